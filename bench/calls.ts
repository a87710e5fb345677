/** The question: what does one call cost, in CPU time of the process between, and how many fit into a second? */
import type { Case } from './cases.ts'
import { reasonOf, tell, toPids, toTarget, type Lab, type Pace } from './lab.ts'
import type { LoadReport } from './load-run.ts'
import { median, pairedRatio } from './statistics.ts'

export type CallFigures = {
  name: string
  note: string | undefined
  cpuMicros: number
  /** The same with the processes that the entrant started. */
  treeCpuMicros: number
  cpuRatio: number | null
  cpuRatioMax: number | null
  callsPerSecond: number
  throughputRatio: number | null
  /** How busy the candidate's process was, and load generator and upstream together: 1 is one whole core. */
  candidateShare: number
  loadShare: number
  loadMicros: number
  rounds: LoadReport[]
}

/** Why a case has no figures. */
export type CallFailure = { name: string; reason: string }
export type CallResults = { figures: CallFigures[]; failures: CallFailure[] }

const connectionCount = 32

/** Warms every case up, then runs all of them in turn, round after round. */
export async function measureCalls(lab: Lab, cases: readonly Case[], pace: Pace): Promise<CallResults> {
  const failures = new Map<string, string>()
  const rounds = new Map<string, LoadReport[]>()
  const runOnce = async (one: Case, seconds: number): Promise<void> => {
    const report = await runCase(lab, one, seconds)
    if (report.faultCount > 0) throw new Error(report.firstFault ?? 'a fault')
    if (seconds === pace.roundSeconds) rounds.set(one.name, [...(rounds.get(one.name) ?? []), report])
  }
  const runAll = async (seconds: number): Promise<void> => {
    for (const one of cases.filter(({ name }) => !failures.has(name))) {
      await runOnce(one, seconds).catch((error: unknown) => failures.set(one.name, reasonOf(error)))
    }
  }
  tell(`calls: warming ${cases.length} cases`)
  await runAll(pace.warmSeconds)
  for (let round = 1; round <= pace.rounds; round++) {
    tell(`calls: round ${round} of ${pace.rounds}`)
    await runAll(pace.roundSeconds)
  }
  const measured = cases.filter(({ name }) => !failures.has(name))
  return {
    figures: measured.map((one) => toFigures(one, rounds)),
    failures: [...failures].map(([name, reason]) => ({ name, reason })),
  }
}

function runCase(lab: Lab, one: Case, seconds: number): Promise<LoadReport> {
  const entrant = lab.entrants.get(one.entrant)
  if (!entrant) return Promise.reject(new Error(`${one.entrant} was not started`))
  return lab.load.run({
    target: toTarget(one, entrant),
    connectionCount,
    seconds,
    warmCallCount: 2 * connectionCount,
    ...toPids(lab, entrant),
  })
}

function toFigures(one: Case, all: ReadonlyMap<string, LoadReport[]>): CallFigures {
  const rounds = all.get(one.name) ?? []
  const reference = one.reference === undefined ? undefined : all.get(one.reference)
  const cpu = (reports: LoadReport[]) =>
    reports.map(({ candidateMicros, calls }) => (candidateMicros ?? Number.NaN) / calls)
  const speed = (reports: LoadReport[]) => reports.map(({ callsPerSecond }) => callsPerSecond)
  const hasOwnUpstream = one.entrant !== 'upstream'
  const share = (part: (report: LoadReport) => number) =>
    median(rounds.map((report) => part(report) / (report.seconds * 1e6)))
  return {
    name: one.name,
    note: one.note,
    cpuMicros: median(cpu(rounds)),
    treeCpuMicros: median(rounds.map(({ candidateTreeMicros, calls }) => (candidateTreeMicros ?? Number.NaN) / calls)),
    cpuRatio: reference ? pairedRatio(cpu(rounds), cpu(reference)) : null,
    cpuRatioMax: one.cpuRatioMax ?? null,
    callsPerSecond: median(speed(rounds)),
    throughputRatio: reference ? pairedRatio(speed(rounds), speed(reference)) : null,
    candidateShare: share(({ candidateMicros }) => candidateMicros ?? Number.NaN),
    loadShare: share(
      (report) => report.loadMicros + (report[hasOwnUpstream ? 'upstreamMicros' : 'candidateMicros'] ?? 0),
    ),
    loadMicros: median(rounds.map(({ loadMicros, calls }) => loadMicros / calls)),
    rounds,
  }
}
