/** The question: how much time does the process between add to a call at a light, fixed rate? */
import { latencyBaseline, latencyReference, type Case } from './cases.ts'
import { tell, toPids, toTarget, type Lab, type Pace } from './lab.ts'
import type { LoadReport } from './load-run.ts'
import { median, pairedRatio } from './statistics.ts'

export type LatencyFigures = {
  name: string
  p50Ms: number
  p99Ms: number
  /** Over the median of the upstream alone in the same round: its own tail is the machine's, and would hide theirs. */
  addedP50Ms: number
  addedP99Ms: number
  addedP50Ratio: number | null
  addedP99Ratio: number | null
  /** How late the generator's own timer was at worst. */
  lagMaxMs: number
  rounds: LoadReport[]
}

const callsPerSecond = 300
const connectionCount = 16

/** The baseline and the reference must be among the cases. A case with a fault drops out. */
export async function measureLatency(lab: Lab, cases: readonly Case[], pace: Pace): Promise<LatencyFigures[]> {
  const rounds = new Map<string, LoadReport[]>()
  const broken = new Set<string>()
  for (let round = 1; round <= pace.lightRounds; round++) {
    tell(`latency: round ${round} of ${pace.lightRounds}`)
    for (const one of cases.filter(({ name }) => !broken.has(name))) {
      const report = await runLight(lab, one, pace.lightSeconds)
      if (report === null || report.faultCount > 0) broken.add(one.name)
      else rounds.set(one.name, [...(rounds.get(one.name) ?? []), report])
    }
  }
  const measured = cases.filter(({ name }) => !broken.has(name))
  return measured.map(({ name }) => toFigures(name, rounds))
}

async function runLight(lab: Lab, one: Case, seconds: number): Promise<LoadReport | null> {
  const entrant = lab.entrants.get(one.entrant)
  if (!entrant) return null
  const order = {
    target: toTarget(one, entrant),
    connectionCount,
    seconds,
    callsPerSecond,
    warmCallCount: 10 * connectionCount,
    ...toPids(lab, entrant),
  }
  return lab.load.run(order).catch(() => null)
}

function toFigures(name: string, all: ReadonlyMap<string, LoadReport[]>): LatencyFigures {
  const rounds = all.get(name) ?? []
  const baseline = all.get(latencyBaseline) ?? []
  const reference = all.get(latencyReference) ?? []
  const isCompared = name !== latencyReference && name !== latencyBaseline
  const added = (reports: readonly LoadReport[], key: 'p50Ms' | 'p99Ms') =>
    reports.map((report, round) => report[key] - (baseline[round]?.p50Ms ?? Number.NaN))
  const ratio = (key: 'p50Ms' | 'p99Ms') => (isCompared ? pairedRatio(added(rounds, key), added(reference, key)) : null)
  return {
    name,
    p50Ms: median(rounds.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(rounds.map(({ p99Ms }) => p99Ms)),
    addedP50Ms: median(added(rounds, 'p50Ms')),
    addedP99Ms: median(added(rounds, 'p99Ms')),
    addedP50Ratio: ratio('p50Ms'),
    addedP99Ratio: ratio('p99Ms'),
    lagMaxMs: Math.max(...rounds.map(({ lagMaxMs }) => lagMaxMs)),
    rounds,
  }
}
