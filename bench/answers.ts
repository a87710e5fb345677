/** What the bench's MCP server says, serialised once: only ids, progress tokens and session ids differ between calls. */

/** How one address of the upstream behaves. It is spelled in the path: `/modern-sse10/mcp`, `/legacy-tools20/mcp`. */
export type Shape = {
  era: 'legacy' | 'modern'
  /** 0: a JSON answer; n: a stream of n events, the last of which is the result. */
  eventCount: number
  payloadBytes: number
  toolCount: number
}

export type RpcId = string | number
export type RpcRequest = {
  id: RpcId | undefined
  method: string
  progressToken: RpcId | undefined
  hasEnvelope: boolean
}

/** Stands at the end of every tool result: an answer that carries it has arrived whole. */
export const endMark = 'end-of-answer'
export const toolName = 'echo'
export const modernVersion = '2026-07-28'
export const legacyVersion = '2025-11-25'
export const envelopeKey = 'io.modelcontextprotocol/protocolVersion'

const answerBytes = 300
const serverInfo = { name: 'bench-upstream', version: '1.0.0' }

/** Reads a shape from a path, or gives `null` where the path names none. */
export function parseShape(path: string): Shape | null {
  const match = /^\/(legacy|modern)(?:-sse(\d+))?(?:-(\d+)kb)?(?:-tools(\d+))?\/mcp$/.exec(path)
  if (!match) return null
  const [, era, events = '0', kilobytes, tools = '1'] = match
  return {
    era: era === 'modern' ? 'modern' : 'legacy',
    eventCount: Number(events),
    payloadBytes: kilobytes ? Number(kilobytes) * 1000 : answerBytes,
    toolCount: Number(tools),
  }
}

/** Reads a JSON-RPC message as far as the bench needs it; throws on what is not JSON. */
export function parseRequest(text: string): RpcRequest {
  const message: unknown = JSON.parse(text)
  const params = fieldOf(message, 'params')
  const meta = fieldOf(params, '_meta')
  const method = fieldOf(message, 'method')
  return {
    id: toId(fieldOf(message, 'id')),
    method: typeof method === 'string' ? method : '',
    progressToken: toId(fieldOf(meta, 'progressToken')),
    hasEnvelope: fieldOf(meta, envelopeKey) === modernVersion,
  }
}

const fieldOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined

const toId = (value: unknown): RpcId | undefined =>
  typeof value === 'string' || typeof value === 'number' ? value : undefined

/** Results by method as JSON text; a method that is missing here does not exist. */
export function buildResults(shape: Shape): Map<string, string> {
  const complete = shape.era === 'modern' ? { resultType: 'complete' } : {}
  const signed = shape.era === 'modern' ? { _meta: { 'io.modelcontextprotocol/serverInfo': serverInfo } } : {}
  const cached = shape.era === 'modern' ? { ttlMs: 300_000, cacheScope: 'public' } : {}
  const capabilities = { tools: {} }
  const call = (text: string) => ({ ...complete, content: [{ type: 'text', text }], isError: false, ...signed })
  const filler =
    shape.payloadBytes - JSON.stringify(call(endMark)).length - '{"jsonrpc":"2.0","id":1000000,"result":}'.length
  const tools = Array.from({ length: shape.toolCount }, (_, index) => buildTool(index))
  const own: [string, unknown][] =
    shape.era === 'modern'
      ? [['server/discover', { ...complete, supportedVersions: [modernVersion], capabilities, ...cached, ...signed }]]
      : [
          ['initialize', { protocolVersion: legacyVersion, capabilities, serverInfo }],
          ['ping', {}],
        ]
  const results: [string, unknown][] = [
    ...own,
    ['tools/list', { ...complete, tools, ...cached, ...signed }],
    ['tools/call', call('x'.repeat(Math.max(0, filler)) + endMark)],
  ]
  return new Map(results.map(([method, result]) => [method, JSON.stringify(result)]))
}

/** A tool of ordinary size (about 500 bytes), so that a list of a thousand weighs what real ones do. */
function buildTool(index: number): object {
  return {
    name: index === 0 ? toolName : `tool_${index}`,
    title: `Tool number ${index}`,
    description:
      'Searches the records of a project and returns those that match, newest first, with their authors and states.',
    inputSchema: {
      type: 'object',
      properties: {
        query: { type: 'string', description: 'What to look for; words are joined by AND.' },
        limit: { type: 'integer', minimum: 1, maximum: 100, description: 'How many records to return.' },
        state: { type: 'string', enum: ['open', 'closed', 'all'] },
      },
    },
    annotations: { readOnlyHint: true },
  }
}

export const resultMessage = (id: RpcId, resultText: string): string =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${resultText}}`

export const errorMessage = (id: RpcId | undefined, code: number, message: string): string =>
  JSON.stringify({ jsonrpc: '2.0', id: id ?? null, error: { code, message } })

export const progressMessage = (token: RpcId, progress: number, total: number): string =>
  `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${JSON.stringify(token)},"progress":${progress},"total":${total}}}`
