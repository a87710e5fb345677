/** What a raw upstream is made of, whatever its transport. It says exactly what a test tells it to: no SDK, no schema. */

export type Json = Record<string, unknown>
export type Era = 'legacy' | 'modern'

/** One request that reached the upstream. */
export type RawCall = {
  era: Era
  method: string
  params: Json
  headers: Readonly<Record<string, string | string[] | undefined>>
  sessionId: string | undefined
  /** Says something on this request's own stream. */
  notify(method: string, params: Json): void
  /** Legacy: asks the client on this request's stream; gives its whole answer, `result` or `error`. */
  ask(method: string, params: Json): Promise<Json>
  /** Resolves when the caller no longer wants the answer, as its era says so. */
  cancelled: Promise<void>
}

/** Gives the result; throws `RpcFailure` for an error. */
export type RawHandler = (call: RawCall) => Json | Promise<Json>
export type RawHandlers = Record<string, RawHandler>

export class RpcFailure extends Error {
  readonly code: number
  readonly data: unknown

  constructor(code: number, message: string, data?: unknown) {
    super(message)
    this.code = code
    this.data = data
  }
}

export type RawOptions = {
  name?: string
  capabilities?: Json
  /** Added to, and stronger than, the handlers that every upstream has. */
  handlers?: RawHandlers
}

export const modernRevision = '2026-07-28'
export const textResult = (text: string): Json => ({ content: [{ type: 'text', text }] })
export const tool = (name: string, more: Json = {}): Json => ({ name, inputSchema: { type: 'object' }, ...more })

/** One tool, `echo`, that gives its arguments back. */
export function handlersFor(options: RawOptions): RawHandlers {
  const { name = 'raw', capabilities = { tools: { listChanged: true } } } = options
  const serverInfo = { name, version: '1.0.0' }
  return {
    initialize: ({ params }) => ({ protocolVersion: params['protocolVersion'], capabilities, serverInfo }),
    'server/discover': () => ({
      supportedVersions: [modernRevision],
      capabilities,
      _meta: { 'io.modelcontextprotocol/serverInfo': serverInfo },
    }),
    ping: () => ({}),
    'logging/setLevel': () => ({}),
    'resources/subscribe': () => ({}),
    'resources/unsubscribe': () => ({}),
    'tools/list': () => ({ tools: [tool('echo')] }),
    'tools/call': ({ params }) => textResult(JSON.stringify(params['arguments'] ?? null)),
    ...options.handlers,
  }
}

/** The whole answer to one request, as its era writes it. */
export async function answerTo(handlers: RawHandlers, id: unknown, call: RawCall): Promise<Json> {
  try {
    const handler = handlers[call.method]
    if (!handler) throw new RpcFailure(-32601, 'Method not found')
    const result = await handler(call)
    return { jsonrpc: '2.0', id, result: call.era === 'modern' ? withModernMembers(call.method, result) : result }
  } catch (error) {
    const { code, message, data } = error instanceof RpcFailure ? error : new RpcFailure(-32603, String(error))
    return { jsonrpc: '2.0', id, error: { code, message, ...(data === undefined ? {} : { data }) } }
  }
}

const cacheable = /\/list$|^resources\/read$|^server\/discover$/

function withModernMembers(method: string, result: Json): Json {
  const caching = cacheable.test(method) ? { ttlMs: 60_000, cacheScope: 'private' } : {}
  return { resultType: 'complete', ...caching, ...result }
}
