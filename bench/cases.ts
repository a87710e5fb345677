/** What is compared with what. A case's reference is the bare proxy before the same kind of answer. */
import type { EntrantName } from './entrants.ts'
import type { Target } from './load-requests.ts'

export type Case = {
  name: string
  entrant: EntrantName
  /** The path of the endpoint; entrants that serve many shapes serve each at the upstream's own path. */
  path: string
  era: Target['era']
  eventCount?: number
  /** All connections share one session, where a session costs the entrant a process. */
  sessionCount?: number
  /** The name of the case that this one is divided by. */
  reference?: string
  cpuRatioMax?: number
  /** Also timed at a light fixed rate. */
  isTimed?: boolean
  /** Somebody else's program. */
  isForeign?: boolean
  /** Left out of a quick run. */
  isSlow?: boolean
  note?: string
}

const legacyJson = 'bare proxy · JSON, legacy'
const modernJson = 'bare proxy · JSON, modern'
const oneEvent = 'bare proxy · SSE of 1 event, legacy'
const tenEvents = 'bare proxy · SSE of 10 events, legacy'
const large = 'bare proxy · JSON of 100 kB, legacy'

const legacy = { path: '/legacy/mcp', era: 'legacy' } as const
const overStdio = { path: '/mcp', era: 'legacy', reference: legacyJson, note: 'upstream over stdio' } as const

/** Within a round the cases run in this order, so each stands near its reference. */
export const cases: readonly Case[] = [
  { name: 'upstream alone · JSON, legacy', entrant: 'upstream', ...legacy, isTimed: true },
  { name: legacyJson, entrant: 'bare proxy', ...legacy, isTimed: true },
  {
    name: 'Toolgate · JSON, legacy → legacy',
    entrant: 'Toolgate',
    ...legacy,
    reference: legacyJson,
    cpuRatioMax: 1.4,
    isTimed: true,
  },
  {
    name: 'Toolgate · JSON, legacy → modern',
    entrant: 'Toolgate',
    path: '/modern/mcp',
    era: 'legacy',
    reference: legacyJson,
    cpuRatioMax: 2,
  },
  { name: 'Toolgate · JSON, legacy → stdio', entrant: 'Toolgate', ...overStdio, path: '/stdio/mcp' },
  {
    name: 'supergateway · JSON, legacy → stdio',
    entrant: 'supergateway',
    isForeign: true,
    ...overStdio,
    sessionCount: 1,
    isTimed: true,
  },
  {
    name: 'mcp-proxy · JSON, legacy → stdio',
    entrant: 'mcp-proxy',
    isForeign: true,
    ...overStdio,
    sessionCount: 1,
    isTimed: true,
  },
  { name: modernJson, entrant: 'bare proxy', path: '/modern/mcp', era: 'modern' },
  {
    name: 'Toolgate · JSON, modern → modern',
    entrant: 'Toolgate',
    path: '/modern/mcp',
    era: 'modern',
    reference: modernJson,
    cpuRatioMax: 1.4,
  },
  {
    name: 'Toolgate · JSON, modern → legacy',
    entrant: 'Toolgate',
    path: '/legacy/mcp',
    era: 'modern',
    reference: modernJson,
    cpuRatioMax: 2,
  },
  { name: oneEvent, entrant: 'bare proxy', path: '/legacy-sse1/mcp', era: 'legacy', eventCount: 1 },
  {
    name: 'Toolgate · SSE of 1 event, legacy → legacy',
    entrant: 'Toolgate',
    path: '/legacy-sse1/mcp',
    era: 'legacy',
    eventCount: 1,
    reference: oneEvent,
    cpuRatioMax: 1.4,
  },
  {
    name: 'Toolgate · SSE of 1 event, legacy → modern',
    entrant: 'Toolgate',
    path: '/modern-sse1/mcp',
    era: 'legacy',
    reference: oneEvent,
    cpuRatioMax: 1.9,
  },
  { name: tenEvents, entrant: 'bare proxy', path: '/legacy-sse10/mcp', era: 'legacy', eventCount: 10, isSlow: true },
  {
    name: 'Toolgate · SSE of 10 events, legacy → legacy',
    entrant: 'Toolgate',
    path: '/legacy-sse10/mcp',
    era: 'legacy',
    eventCount: 10,
    reference: tenEvents,
    cpuRatioMax: 1.4,
    isSlow: true,
  },
  { name: large, entrant: 'bare proxy', path: '/legacy-100kb/mcp', era: 'legacy', isSlow: true },
  {
    name: 'Toolgate · JSON of 100 kB, legacy → legacy',
    entrant: 'Toolgate',
    path: '/legacy-100kb/mcp',
    era: 'legacy',
    reference: large,
    isSlow: true,
  },
]

/** The reference of all latency figures, and what is subtracted from each. */
export const latencyReference = legacyJson
export const latencyBaseline = 'upstream alone · JSON, legacy'
