/** A run as markdown: the same text on the terminal and in the docs. */
import type { CallFigures } from './calls.ts'
import type { LatencyFigures } from './latency.ts'
import type { Pace } from './lab.ts'
import type { ListFigures } from './list.ts'
import type { Machine } from './machine.ts'
import type { StartFigures, StartupFigures } from './startup.ts'
import { findOtherCores, type Check, type Results } from './targets.ts'

export type Run = {
  machine: Machine
  pace: Pace
  results: Results
  checks: Check[]
  /** What could not be measured, and why. */
  missing: { name: string; reason: string }[]
}

type Row = readonly string[]

export function renderRun({ machine, pace, results, checks, missing }: Run): string {
  const where = machine.isPinned
    ? 'The candidate ran on core 0, upstream and load generator on core 1.'
    : 'Nothing was pinned to a core, so throughput and latency are rough.'
  const otherCores = findOtherCores(results)
  const other = Number.isNaN(otherCores) ? '' : `; other programs used ${fixed(otherCores, 2)} cores meanwhile`
  const sections = [
    `${machine.cpu}, ${machine.coreCount} cores, Linux ${machine.kernel}, node ${machine.node}${other}. ${where}`,
    `${pace.rounds} rounds, each with fresh processes and ${pace.turns} turns for each case, of which the quieter ones count; medians of the rounds; ratios are medians of the ratios within a round.`,
    section('What one call costs', results.calls.length > 0 && table(callHead, results.calls.map(toCallRow))),
    section(
      'Time added at 300 calls a second',
      results.latency.length > 0 && table(latencyHead, results.latency.map(toLatencyRow)),
    ),
    section('A warm list of all tools', results.list && table(listHead, [toListRow(results.list)])),
    section('Start and memory', results.startup && renderStartup(results.startup)),
    section('Targets', checks.length > 0 && table(['', 'measured', 'target', 'met'], checks.map(toCheckRow))),
    section(
      'Not measured',
      missing.length > 0 &&
        table(
          ['', 'why'],
          missing.map(({ name, reason }) => [name, oneLine(reason)]),
        ),
    ),
  ]
  return `${sections.filter((text) => text !== '').join('\n\n')}\n`
}

const section = (title: string, body: string | false | null): string => (body ? `## ${title}\n\n${body}` : '')

const callHead = [
  '',
  'CPU µs',
  '÷ bare proxy',
  'rounds',
  'calls/s',
  '÷ bare proxy',
  'busy',
  'generator + upstream busy',
]
const toCallRow = (one: CallFigures): Row => [
  one.note === undefined ? one.name : `${one.name} (${one.note})`,
  fixed(one.cpuMicros, 1),
  fixed(one.cpuRatio, 2),
  one.cpuRatioRange === null ? '–' : one.cpuRatioRange.map((ratio) => fixed(ratio, 2)).join(' to '),
  fixed(one.callsPerSecond, 0),
  fixed(one.throughputRatio, 2),
  percent(one.candidateShare),
  percent(one.loadShare),
]

const latencyHead = [
  '',
  'p50 ms',
  'p99 ms',
  'added p50',
  'added p99',
  'added p50 ÷ bare proxy',
  'added p99 ÷ bare proxy',
]
const toLatencyRow = (one: LatencyFigures): Row => [
  one.name,
  ...[one.p50Ms, one.p99Ms, one.addedP50Ms, one.addedP99Ms, one.addedP50Ratio, one.addedP99Ratio].map((value) =>
    fixed(value, 2),
  ),
]

const listHead = ['servers', 'tools', 'bytes', 'CPU µs', 'CPU µs of the same bytes', 'ratio', 'lists/s']
const toListRow = (list: ListFigures): Row => [
  ...[list.serverCount, list.toolCount, list.answerBytes].map(String),
  fixed(list.cpuMicros, 0),
  fixed(list.referenceCpuMicros, 0),
  fixed(list.cpuRatio, 2),
  fixed(list.listsPerSecond, 0),
]

const renderStartup = ({ firstStart, laterStart, ...sessions }: StartupFigures): string =>
  [
    'From source. A first start has an empty compile cache, which `npm ci` fills, and every start.',
    table(
      ['', 'first answered call', 'resident, idle', 'resident, after a call'],
      [toStartRow('first start', firstStart), toStartRow('later start', laterStart)],
    ),
    table(
      ['', 'heap', 'resident'],
      [['one idle session', ...[sessions.heapBytesPerSession, sessions.residentBytesPerSession].map(kilobytes)]],
    ),
  ].join('\n\n')
const toStartRow = (name: string, start: StartFigures): Row => [
  name,
  `${fixed(start.firstCallMs, 0)} ms`,
  ...[start.idleResidentBytes, start.calledResidentBytes].map((bytes) => `${fixed(bytes / 1e6, 0)} MB`),
]
const kilobytes = (bytes: number): string => `${fixed(bytes / 1e3, 1)} kB`

const toCheckRow = ({ name, value, limit, unit, isMet }: Check): Row => [
  name,
  `${fixed(value, unit === '×' ? 2 : 0)} ${unit}`,
  `≤ ${limit} ${unit}`,
  isMet === null ? 'unsure' : isMet ? 'yes' : '**no**',
]

function table(head: Row, rows: readonly Row[]): string {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => row[column]?.length ?? 0)))
  const line = (row: Row) => `| ${row.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join(' | ')} |`
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [line(head), rule, ...rows.map(line)].join('\n')
}

const pad = (cell: string, width: number, column: number): string =>
  column === 0 ? cell.padEnd(width) : cell.padStart(width)
const fixed = (value: number | null, digits: number): string =>
  value === null || Number.isNaN(value)
    ? '–'
    : value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
const percent = (share: number): string => (Number.isNaN(share) ? '–' : `${Math.round(share * 100)} %`)
const oneLine = (text: string): string => text.replaceAll(/[\s|]+/g, ' ').slice(0, 300)
