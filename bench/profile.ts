/**
 * The question: where does the CPU time of a call go? Runs one case under load and prints the functions that took most
 * of it themselves; `out/bench.cpuprofile` opens in any browser's developer tools.
 *
 *   node bench/profile.ts [--case 'Toolgate · JSON, legacy → legacy'] [--seconds 5] [--top 30]
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { cases } from './cases.ts'
import { shapeServers } from './entrants.ts'
import { inspectorFlag, openInspector } from './inspector.ts'
import { openLab, toTarget } from './lab.ts'
import { startToolgate, untilListening } from './toolgate.ts'

type Profile = {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  samples: number[]
  timeDeltas: number[]
}

const profileFile = 'out/bench.cpuprofile'
const sampleMicros = 200
const { values } = parseArgs({
  options: {
    case: { type: 'string', default: 'Toolgate · JSON, legacy → legacy' },
    seconds: { type: 'string', default: '5' },
    top: { type: 'string', default: '30' },
  },
})

const chosen = cases.find(({ name, entrant }) => entrant === 'Toolgate' && name.includes(values.case))
if (!chosen) throw new Error(`no case of Toolgate is named ${values.case}`)

await using lab = await openLab([])
await using toolgate = await startToolgate(shapeServers(lab.upstream.origin), [inspectorFlag])
await untilListening(toolgate.process, toolgate.origin)
const order = { target: toTarget(chosen, toolgate), connectionCount: 32, warmCallCount: 1000 }
await lab.load.run({ ...order, seconds: 2 })

using inspector = await openInspector(toolgate.process)
await inspector.ask('Profiler.enable')
await inspector.ask('Profiler.setSamplingInterval', { interval: sampleMicros })
await inspector.ask('Profiler.start')
const report = await lab.load.run({ ...order, seconds: Number(values.seconds), candidatePid: toolgate.pid })
const { profile } = (await inspector.ask('Profiler.stop')) as { profile: Profile }
await mkdir('out', { recursive: true })
await writeFile(profileFile, JSON.stringify(profile))

process.stdout.write(
  `${chosen.name}: ${Math.round(report.callsPerSecond)} calls/s while profiled, ${report.faultCount} faults\n`,
)
for (const { name, share } of sumSelfTime(profile).slice(0, Number(values.top))) {
  process.stdout.write(`${(share * 100).toFixed(1).padStart(5)} %  ${name}\n`)
}
process.stdout.write(`whole profile: ${profileFile}\n`)

function sumSelfTime({ nodes, samples, timeDeltas }: Profile): { name: string; share: number }[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const micros = new Map<string, number>()
  for (const [index, node] of samples.entries()) {
    const name = names.get(node) ?? '?'
    micros.set(name, (micros.get(name) ?? 0) + (timeDeltas[index] ?? 0))
  }
  const total = [...micros.values()].reduce((sum, part) => sum + part, 0)
  return [...micros].map(([name, part]) => ({ name, share: part / total })).toSorted((a, b) => b.share - a.share)
}

function nameOf({ functionName, url, lineNumber }: Profile['nodes'][number]['callFrame']): string {
  const where = url.replace(/^.*\/(?=(?:src|node_modules)\/)/, '').replace('node_modules/', '')
  return `${functionName || '(anonymous)'}${where === '' ? '' : `  ${where}:${lineNumber + 1}`}`
}
