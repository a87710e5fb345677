/** The HTTP requests that the load generator sends: text with one gap, the JSON-RPC id. */
import { endMark, envelopeKey, legacyVersion, modernVersion, toolName } from './answers.ts'

export type Target = {
  url: string
  era: 'legacy' | 'modern'
  token?: string | undefined
  /** What each connection asks again and again. Default: `tools/call`. */
  method?: 'tools/call' | 'tools/list' | undefined
  /** The tool's name where the endpoint prefixes it. */
  tool?: string | undefined
  /** So many events must come at least; absent: JSON. A lone event may also come as plain JSON, as MCP allows. */
  eventCount?: number | undefined
  /** All connections share this many legacy sessions; default: each has its own. */
  sessionCount?: number | undefined
  /** Sends one id for ever, where a prepared answer cannot follow the request's. */
  hasFixedId?: boolean | undefined
}

/** A request for any id of `idDigits` digits, so that its length is the same for all. */
export type RequestFrame = { before: string; after: string }

/** Ids start here and stay this long, so a request's length never changes. */
export const firstId = 1_000_000

const clientInfo = { name: 'bench', version: '1.0.0' }
const idGap = 'ID_GAP'

function buildHead(target: Target, extra: readonly string[]): string {
  const url = new URL(target.url)
  const lines = [
    `POST ${url.pathname} HTTP/1.1`,
    `Host: ${url.host}`,
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    ...(target.token === undefined ? [] : [`Authorization: Bearer ${target.token}`]),
    ...extra,
  ]
  return lines.join('\r\n')
}

function buildFrame(head: string, message: object): RequestFrame {
  const text = JSON.stringify(message)
  const gap = `"${idGap}"`
  const at = text.indexOf(gap)
  const length = at < 0 ? text.length : text.length - gap.length + String(firstId).length
  const before = `${head}\r\nContent-Length: ${length}\r\n\r\n`
  return at < 0
    ? { before: before + text, after: '' }
    : { before: before + text.slice(0, at), after: text.slice(at + gap.length) }
}

/** The request of the load itself: about 170 bytes of JSON in the legacy era, the envelope more in the modern one. */
export function buildLoadRequest(target: Target, session: string | undefined): RequestFrame {
  const method = target.method ?? 'tools/call'
  const name = target.tool ?? toolName
  const call = { name, arguments: { query: 'the quick brown fox jumps over the lazy dog', limit: 20 } }
  const own = method === 'tools/call' ? call : {}
  const progress = (target.eventCount ?? 0) > 1 ? { progressToken: 'bench-progress' } : {}
  if (target.era === 'legacy') {
    const params = { ...own, ...((target.eventCount ?? 0) > 1 ? { _meta: progress } : {}) }
    const extra = [
      `MCP-Protocol-Version: ${legacyVersion}`,
      ...(session === undefined ? [] : [`Mcp-Session-Id: ${session}`]),
    ]
    return buildFrame(buildHead(target, extra), { jsonrpc: '2.0', id: idGap, method, params })
  }
  const envelope = {
    [envelopeKey]: modernVersion,
    'io.modelcontextprotocol/clientInfo': clientInfo,
    'io.modelcontextprotocol/clientCapabilities': {},
    ...progress,
  }
  const extra = [
    `MCP-Protocol-Version: ${modernVersion}`,
    `Mcp-Method: ${method}`,
    ...(method === 'tools/call' ? [`Mcp-Name: ${name}`] : []),
  ]
  return buildFrame(buildHead(target, extra), {
    jsonrpc: '2.0',
    id: idGap,
    method,
    params: { ...own, _meta: envelope },
  })
}

export function buildInitialize(target: Target): RequestFrame {
  const params = { protocolVersion: legacyVersion, capabilities: {}, clientInfo }
  return buildFrame(buildHead(target, []), { jsonrpc: '2.0', id: idGap, method: 'initialize', params })
}

export function buildInitialized(target: Target, session: string): RequestFrame {
  const extra = [`MCP-Protocol-Version: ${legacyVersion}`, `Mcp-Session-Id: ${session}`]
  return buildFrame(buildHead(target, extra), { jsonrpc: '2.0', method: 'notifications/initialized' })
}

export function buildSessionEnd(target: Target, session: string): RequestFrame {
  const extra = [`MCP-Protocol-Version: ${legacyVersion}`, `Mcp-Session-Id: ${session}`]
  return { before: `${buildHead(target, extra).replace(/^POST/, 'DELETE')}\r\n\r\n`, after: '' }
}

/** Says what is wrong with an answer to the load request of `id`, or `null`. */
export function findFault(target: Target, id: number, answer: { head: string; body: Buffer }): string | null {
  const { head, body } = answer
  if (!head.startsWith('HTTP/1.1 200')) return 'the status is not 200'
  const text = edgesOf(body)
  if (!text.includes(`"id":${id}`)) return 'the id does not match'
  if (!text.includes('"result":') || text.includes('"isError":true')) return 'there is no result'
  if (target.era === 'modern' && !text.includes('"resultType":"complete"')) return 'resultType is missing'
  return findCut(target, text)
}

function findCut({ method = 'tools/call', eventCount = 0 }: Target, text: string): string | null {
  if (method === 'tools/call' && !text.includes(endMark)) return 'the result is cut'
  return eventCount > 1 && countEvents(text) < eventCount ? 'an event is missing' : null
}

const edgeBytes = 4096

/** The ids and marks stand at the edges, so a large answer is not turned into text in the middle. */
function edgesOf(body: Buffer): string {
  if (body.length <= 2 * edgeBytes) return body.toString('latin1')
  return body.toString('latin1', 0, edgeBytes) + body.toString('latin1', body.length - edgeBytes)
}

function countEvents(text: string): number {
  let count = 0
  for (let at = text.indexOf('data: {'); at >= 0; at = text.indexOf('data: {', at + 1)) count++
  return count
}
