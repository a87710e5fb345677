/**
 * The question: where does the CPU time of a call go, or the memory that the collector must take back? Runs one case
 * under load and prints the functions that took or allocated most of it themselves; the file that it names opens in any
 * browser's developer tools.
 *
 *   node bench/profile.ts [--case 'Toolgate · JSON, legacy → legacy'] [--seconds 5] [--top 30] [--allocations]
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { cases } from './cases.ts'
import { shapeServers } from './entrants.ts'
import { inspectorFlag, openInspector } from './inspector.ts'
import { openLab, toTarget } from './lab.ts'
import { exitOnSignals } from './processes.ts'
import { startToolgate, untilListening } from './toolgate.ts'

type CallFrame = { functionName: string; url: string; lineNumber: number }
type TimeProfile = { nodes: { id: number; callFrame: CallFrame }[]; samples: number[]; timeDeltas: number[] }
type HeapNode = { callFrame: CallFrame; selfSize: number; children: HeapNode[] }
/** Microseconds or bytes by function. */
type Sums = Map<string, number>

const sampleMicros = 200
const sampleBytes = 16_384
const { values } = parseArgs({
  options: {
    case: { type: 'string', default: 'Toolgate · JSON, legacy → legacy' },
    seconds: { type: 'string', default: '5' },
    top: { type: 'string', default: '30' },
    allocations: { type: 'boolean', default: false },
  },
})

exitOnSignals()
const chosen = cases.find(({ name, entrant }) => entrant === 'Toolgate' && name.includes(values.case))
if (!chosen) throw new Error(`no case of Toolgate is named ${values.case}`)

await using lab = await openLab([])
await using toolgate = await startToolgate(shapeServers(lab.upstream.origin), { nodeArgs: [inspectorFlag] })
await untilListening(toolgate.process, toolgate.origin)
const order = { target: toTarget(chosen, toolgate), connectionCount: 32, warmCallCount: 1000 }
await lab.load.run({ ...order, seconds: 2 })

using inspector = await openInspector(toolgate.process)
await (values.allocations ? startAllocations() : startTimes())
const report = await lab.load.run({ ...order, seconds: Number(values.seconds), candidatePid: toolgate.pid })
const sums = await (values.allocations ? stopAllocations() : stopTimes())

const total = [...sums.values()].reduce((sum, part) => sum + part, 0)
const perCall = values.allocations ? `, ${Math.round(total / report.calls)} bytes allocated a call` : ''
const speed = `${Math.round(report.callsPerSecond)} calls/s while profiled`
process.stdout.write(`${chosen.name}: ${speed}, ${report.faultCount} faults${perCall}\n`)
for (const [name, part] of [...sums].toSorted((a, b) => b[1] - a[1]).slice(0, Number(values.top))) {
  process.stdout.write(`${((part / total) * 100).toFixed(1).padStart(5)} %  ${name}\n`)
}

async function startTimes(): Promise<void> {
  await inspector.ask('Profiler.enable')
  await inspector.ask('Profiler.setSamplingInterval', { interval: sampleMicros })
  await inspector.ask('Profiler.start')
}

async function stopTimes(): Promise<Sums> {
  const { profile } = (await inspector.ask('Profiler.stop')) as { profile: TimeProfile }
  await keep('out/bench.cpuprofile', profile)
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const sums: Sums = new Map()
  for (const [index, node] of profile.samples.entries())
    add(sums, names.get(node) ?? '?', profile.timeDeltas[index] ?? 0)
  return sums
}

/** Objects that died young count too: they are what the collector works on. */
async function startAllocations(): Promise<void> {
  await inspector.ask('HeapProfiler.startSampling', {
    samplingInterval: sampleBytes,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  })
}

async function stopAllocations(): Promise<Sums> {
  const { profile } = (await inspector.ask('HeapProfiler.stopSampling')) as { profile: { head: HeapNode } }
  await keep('out/bench.heapprofile', profile)
  const sums: Sums = new Map()
  const visit = (node: HeapNode): void => {
    add(sums, nameOf(node.callFrame), node.selfSize)
    node.children.forEach(visit)
  }
  visit(profile.head)
  return sums
}

async function keep(file: string, profile: object): Promise<void> {
  await mkdir('out', { recursive: true })
  await writeFile(file, JSON.stringify(profile))
  process.stdout.write(`whole profile: ${file}\n`)
}

function add(sums: Sums, name: string, part: number): void {
  sums.set(name, (sums.get(name) ?? 0) + part)
}

function nameOf({ functionName, url, lineNumber }: CallFrame): string {
  const where = url.replace(/^.*\/(?=(?:src|node_modules)\/)/, '').replace('node_modules/', '')
  return `${functionName || '(anonymous)'}${where === '' ? '' : `  ${where}:${lineNumber + 1}`}`
}
