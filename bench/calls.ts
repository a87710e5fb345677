/** The question: what does one call cost, in CPU time of the process between, and how many fit into a second? */
import type { Case } from './cases.ts'
import { reasonOf, tell, toPids, toTarget, type Lab, type Pace } from './lab.ts'
import type { LoadReport } from './load-run.ts'
import { median, pairedRatio, pairedRatios, rangeOf } from './statistics.ts'

export type CallFigures = {
  name: string
  note: string | undefined
  cpuMicros: number
  /** The same with the processes that the entrant started. */
  treeCpuMicros: number
  cpuRatio: number | null
  /** Lowest and highest of the rounds. */
  cpuRatioRange: readonly [number, number] | null
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

/** Every round has fresh processes, warms every case up, and then runs all of them in turn, several times. */
export async function measureCalls(lab: Lab, cases: readonly Case[], pace: Pace): Promise<CallResults> {
  const failures = new Map<string, string>()
  const rounds = new Map<string, LoadReport[]>()
  const runAll = async (seconds: number, keep: (name: string, report: LoadReport) => void): Promise<void> => {
    for (const one of cases.filter(({ name }) => !failures.has(name))) {
      await runCase(lab, one, seconds).then(
        (report) => keep(one.name, report),
        (error: unknown) => failures.set(one.name, reasonOf(error)),
      )
    }
  }
  for (let round = 1; round <= pace.rounds; round++) {
    tell(`calls: round ${round} of ${pace.rounds}, ${cases.length} cases`)
    if (round > 1) await lab.restart()
    // What one case teaches the machine code, another makes it forget: the second time it knows them all.
    for (let time = 1; time <= 2; time++) await runAll(pace.warmSeconds / 2, () => undefined)
    const turns = new Map<string, LoadReport[]>()
    for (let turn = 1; turn <= pace.turns; turn++) await runAll(pace.turnSeconds, (name, one) => add(turns, name, one))
    for (const [name, reports] of turns) add(rounds, name, quietTurn(reports))
  }
  const measured = cases.filter(({ name }) => !failures.has(name))
  return {
    figures: measured.map((one) => toFigures(one, rounds)),
    failures: [...failures].map(([name, reason]) => ({ name, reason })),
  }
}

function add(all: Map<string, LoadReport[]>, name: string, report: LoadReport): void {
  all.set(name, [...(all.get(name) ?? []), report])
}

/** Of the turns of one round, the one at the lower quarter of what a call cost: what other programs do makes a call dearer, and never cheaper. */
function quietTurn(reports: readonly LoadReport[]): LoadReport {
  const sorted = reports.toSorted((one, other) => costOf(one) - costOf(other))
  const [first] = sorted
  const quiet = sorted[Math.floor((sorted.length - 1) / 4)] ?? first
  if (!quiet) throw new Error('no turn was run')
  return quiet
}

const costOf = ({ candidateMicros, calls }: LoadReport): number => (candidateMicros ?? Number.NaN) / calls

async function runCase(lab: Lab, one: Case, seconds: number): Promise<LoadReport> {
  const entrant = lab.entrants.get(one.entrant)
  if (!entrant) throw new Error(`${one.entrant} was not started`)
  const report = await lab.load.run({
    target: toTarget(one, entrant),
    connectionCount,
    seconds,
    warmCallCount: 2 * connectionCount,
    ...toPids(lab, entrant),
  })
  if (report.faultCount > 0) throw new Error(report.firstFault ?? 'a fault')
  return report
}

function toFigures(one: Case, all: ReadonlyMap<string, LoadReport[]>): CallFigures {
  const rounds = all.get(one.name) ?? []
  const reference = one.reference === undefined ? undefined : all.get(one.reference)
  const cpu = (reports: LoadReport[]) => reports.map(costOf)
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
    cpuRatioRange: reference ? rangeOf(pairedRatios(cpu(rounds), cpu(reference))) : null,
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
