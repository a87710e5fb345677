/** What was promised, and whether a run kept it. */
import type { CallFigures } from './calls.ts'
import type { LatencyFigures } from './latency.ts'
import type { ListFigures } from './list.ts'
import type { StartFigures, StartupFigures } from './startup.ts'
import { median } from './statistics.ts'

export type Results = {
  calls: CallFigures[]
  latency: LatencyFigures[]
  list: ListFigures | null
  startup: StartupFigures | null
}

/** `isMet` is `null` where the machine's other work makes the value meaningless. */
export type Check = { name: string; value: number; limit: number; unit: string; isMet: boolean | null }

type Limit = { max: number; unit: string }

const addedP50Ratio: Limit = { max: 1.2, unit: '×' }
const addedP99Ratio: Limit = { max: 1.5, unit: '×' }
const listRatio: Limit = { max: 3, unit: '×' }
const firstCall: Limit = { max: 1500, unit: 'ms' }
const idleMemory: Limit = { max: 120, unit: 'MB' }
const sessionMemory: Limit = { max: 20, unit: 'kB' }

/** From here on, times are those of the other programs. CPU time stands a good deal more. */
const otherCoresMax = 0.1

/** How many cores other programs used while it was measured: the median of all rounds. */
export function findOtherCores({ calls, latency }: Results): number {
  return median(
    [...calls, ...latency].flatMap(({ rounds }) => rounds.map(({ otherCores }) => otherCores ?? Number.NaN)),
  )
}

export function checkTargets(results: Results): Check[] {
  const { calls, latency, list, startup } = results
  const isDisturbed = findOtherCores(results) > otherCoresMax
  const timed = latency.filter(({ name }) => name.startsWith('Toolgate')).flatMap(checkLatency)
  return [
    ...calls.flatMap(checkCall),
    ...timed.map((one) => (isDisturbed ? { ...one, isMet: null } : one)),
    ...check('CPU of a warm list of 1,000 tools ÷ the same bytes', list?.cpuRatio, listRatio),
    ...(startup
      ? [...checkStart('first start', startup.firstStart), ...checkStart('later start', startup.laterStart)]
      : []),
    ...check('heap of one idle session', startup && startup.heapBytesPerSession / 1e3, sessionMemory),
  ]
}

const checkCall = ({ name, cpuRatio, cpuRatioMax }: CallFigures): Check[] =>
  cpuRatioMax === null ? [] : check(`CPU ÷ bare proxy: ${name}`, cpuRatio, { max: cpuRatioMax, unit: '×' })

const checkStart = (name: string, { firstCallMs, idleResidentBytes }: StartFigures): Check[] => [
  ...check(`${name} to first answered call`, firstCallMs, firstCall),
  ...check(`${name}, resident memory, idle`, idleResidentBytes / 1e6, idleMemory),
]

const checkLatency = (one: LatencyFigures): Check[] => [
  ...check(`added p50 ÷ bare proxy: ${one.name}`, one.addedP50Ratio, addedP50Ratio),
  ...check(`added p99 ÷ bare proxy: ${one.name}`, one.addedP99Ratio, addedP99Ratio),
]

function check(name: string, value: number | null | undefined, { max, unit }: Limit): Check[] {
  if (value === null || value === undefined) return []
  return [{ name, value, limit: max, unit, isMet: value <= max }]
}
