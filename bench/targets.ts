/** What was promised, and whether a run kept it. */
import type { CallFigures } from './calls.ts'
import type { LatencyFigures } from './latency.ts'
import type { ListFigures } from './list.ts'
import type { StartupFigures } from './startup.ts'

export type Results = {
  calls: CallFigures[]
  latency: LatencyFigures[]
  list: ListFigures | null
  startup: StartupFigures | null
}

export type Check = { name: string; value: number; limit: number; unit: string; isMet: boolean }

type Limit = { max: number; unit: string }

const addedP50Ratio: Limit = { max: 1.2, unit: '×' }
const addedP99Ratio: Limit = { max: 1.5, unit: '×' }
const listRatio: Limit = { max: 3, unit: '×' }
const firstCall: Limit = { max: 1500, unit: 'ms' }
const idleMemory: Limit = { max: 120, unit: 'MB' }
const sessionMemory: Limit = { max: 20, unit: 'kB' }

export function checkTargets({ calls, latency, list, startup }: Results): Check[] {
  return [
    ...calls.flatMap(checkCall),
    ...latency.filter(({ name }) => name.startsWith('Toolgate')).flatMap(checkLatency),
    ...check('CPU of a warm list of 1,000 tools ÷ the same bytes', list?.cpuRatio, listRatio),
    ...check('start to first answered call', startup?.firstCallMs, firstCall),
    ...check('resident memory, idle', startup && startup.idleResidentBytes / 1e6, idleMemory),
    ...check('heap of one idle session', startup && startup.heapBytesPerSession / 1e3, sessionMemory),
  ]
}

const checkCall = ({ name, cpuRatio, cpuRatioMax }: CallFigures): Check[] =>
  cpuRatioMax === null ? [] : check(`CPU ÷ bare proxy: ${name}`, cpuRatio, { max: cpuRatioMax, unit: '×' })

const checkLatency = (one: LatencyFigures): Check[] => [
  ...check(`added p50 ÷ bare proxy: ${one.name}`, one.addedP50Ratio, addedP50Ratio),
  ...check(`added p99 ÷ bare proxy: ${one.name}`, one.addedP99Ratio, addedP99Ratio),
]

function check(name: string, value: number | null | undefined, { max, unit }: Limit): Check[] {
  if (value === null || value === undefined) return []
  return [{ name, value, limit: max, unit, isMet: value <= max }]
}
