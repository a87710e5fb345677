/** The question: what does a warm list of a thousand tools cost, against writing the same bytes from a buffer? */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { headerOf } from './http-reader.ts'
import { tell, type Lab, type Pace } from './lab.ts'
import { askOnce } from './load-connection.ts'
import type { Target } from './load-requests.ts'
import type { LoadOrder, LoadReport } from './load-run.ts'
import { readPort, scriptPath, startNode } from './processes.ts'
import { median, pairedRatio } from './statistics.ts'
import { startToolgate, untilListening } from './toolgate.ts'

export type ListFigures = {
  serverCount: number
  toolCount: number
  answerBytes: number
  cpuMicros: number
  referenceCpuMicros: number
  cpuRatio: number
  listsPerSecond: number
  rounds: { toolgate: LoadReport; reference: LoadReport }[]
}

const serverCount = 50
const toolsPerServer = 20
const connectionCount = 8

/** Throws when the gateway cannot be started, or answers with something else than one page of all tools. */
export async function measureList(lab: Lab, pace: Pace): Promise<ListFigures> {
  await using open = new AsyncDisposableStack()
  const url = `${lab.upstream.origin}/legacy-tools${toolsPerServer}/mcp`
  const names = Array.from({ length: serverCount }, (_, index) => `server${index}`)
  const toolgate = open.use(await startToolgate(Object.fromEntries(names.map((name) => [name, { url }]))))
  await untilListening(toolgate.process, toolgate.origin)
  const target: Target = {
    url: `${toolgate.origin}/mcp`,
    era: 'legacy',
    method: 'tools/list',
    token: toolgate.token,
    hasFixedId: true,
  }
  const { head, body } = await askOnce(target)
  const toolCount = countTools(body)
  if (toolCount !== serverCount * toolsPerServer)
    throw new Error(`the list has ${toolCount} tools: ${headerOf(head, 'content-type')}`)

  const folder = await mkdtemp(join(tmpdir(), 'toolgate-bench-'))
  open.defer(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'list.json'), body)
  const reference = open.use(
    startNode([scriptPath('fixed-reply.ts'), '--body', join(folder, 'list.json')], { core: 'candidate' }),
  )
  const referenceUrl = `http://127.0.0.1:${await readPort(reference)}/mcp`

  const order: LoadOrder = {
    target,
    connectionCount,
    seconds: pace.turns * pace.turnSeconds,
    warmCallCount: 200,
    candidatePid: toolgate.pid,
  }
  const bare: LoadOrder = {
    ...order,
    target: { ...target, url: referenceUrl, token: undefined },
    candidatePid: reference.pid,
  }
  const rounds: ListFigures['rounds'] = []
  for (const warm of [bare, order]) await sound(lab, { ...warm, seconds: pace.warmSeconds })
  for (let round = 1; round <= pace.rounds; round++) {
    tell(`list: round ${round} of ${pace.rounds}`)
    rounds.push({ reference: await sound(lab, bare), toolgate: await sound(lab, order) })
  }
  return { serverCount, toolCount, answerBytes: body.length, rounds, ...toFigures(rounds) }
}

async function sound(lab: Lab, order: LoadOrder): Promise<LoadReport> {
  const report = await lab.load.run(order)
  if (report.faultCount > 0) throw new Error(report.firstFault ?? 'a fault')
  return report
}

function toFigures(rounds: ListFigures['rounds']) {
  const cpu = (report: LoadReport) => (report.candidateMicros ?? Number.NaN) / report.calls
  const own = rounds.map(({ toolgate }) => cpu(toolgate))
  const reference = rounds.map((round) => cpu(round.reference))
  return {
    cpuMicros: median(own),
    referenceCpuMicros: median(reference),
    cpuRatio: pairedRatio(own, reference),
    listsPerSecond: median(rounds.map(({ toolgate }) => toolgate.callsPerSecond)),
  }
}

/** The answer may come as JSON or as one event. */
function countTools(body: Buffer): number {
  const text = body.toString()
  const message = JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)) as {
    result?: { tools?: unknown[] }
  }
  return message.result?.tools?.length ?? 0
}
