/** An MCP server over Streamable HTTP that does exactly what a test tells it to, and counts what reaches it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { exempt } from './planted/connections.ts'
import { readAll, type Json } from './raw-http.ts'

export type Seen = {
  httpMethod: string
  path: string
  headers: IncomingMessage['headers']
  text: string
  message: Json
}

export class UpstreamExchange {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly message: Json
  #isStreaming = false

  constructor(req: IncomingMessage, res: ServerResponse, message: Json) {
    this.req = req
    this.res = res
    this.message = message
  }

  /** The answer as JSON, whatever it is. */
  json(value: unknown, status = 200, headers: Record<string, string> = {}): void {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    this.res.writeHead(status, { 'content-type': 'application/json', ...headers })
    this.res.end(text)
  }

  result(result: Json, headers: Record<string, string> = {}): void {
    this.json({ jsonrpc: '2.0', id: this.message['id'], result }, 200, headers)
  }

  /** A tool's result. */
  text(text: string): void {
    this.result({ content: [{ type: 'text', text }], resultType: 'complete' })
  }

  error(code: number, words = 'no', status = 200): void {
    this.json({ jsonrpc: '2.0', id: this.message['id'], error: { code, message: words } }, status)
  }

  /** Bytes of an event stream, as they are. */
  events(bytes: string): boolean {
    if (!this.#isStreaming) this.res.writeHead(200, { 'content-type': 'text/event-stream' })
    this.#isStreaming = true
    return this.res.write(bytes)
  }

  event(message: unknown, id?: string): boolean {
    return this.events(`${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(message)}\n\n`)
  }

  /** The answer as the last event. */
  finish(result: Json): void {
    this.event({ jsonrpc: '2.0', id: this.message['id'], result })
    this.res.end()
  }
}

export type Handler = (exchange: UpstreamExchange) => void | Promise<void>

export type UpstreamScript = {
  /** Sees each request before anything else does; false: it has answered. */
  guard?: (exchange: UpstreamExchange) => boolean | Promise<boolean>
  era?: 'legacy' | 'modern'
  tools?: readonly (string | Json)[]
  capabilities?: Json
  /** By tool name, above `on`. */
  calls?: Record<string, Handler>
  /** By method; `GET` and `DELETE` are methods too; `*` takes everything. */
  on?: Record<string, Handler>
}

export class RawUpstream implements AsyncDisposable {
  script: UpstreamScript
  readonly seen: Seen[] = []
  /** Connections that are open now. */
  readonly sockets = new Set<Socket>()
  connectionsInAll = 0
  readonly #server = createServer((req, res) => void this.#take(req, res))

  constructor(script: UpstreamScript) {
    this.script = script
    this.#server.keepAliveTimeout = 60_000
    this.#server.on('connection', (socket: Socket) => {
      this.connectionsInAll++
      this.sockets.add(socket)
      socket.on('error', () => undefined)
      socket.once('close', () => this.sockets.delete(socket))
    })
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    exempt(this.#server)
    return this
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/mcp`
  }

  /** How often a method has come. */
  count(method: string): number {
    return this.seen.filter(({ message, httpMethod }) => message['method'] === method || httpMethod === method).length
  }

  calls(tool: string): Seen[] {
    return this.seen.filter(({ message }) => message['method'] === 'tools/call' && message['params']?.name === tool)
  }

  async #take(req: IncomingMessage, res: ServerResponse): Promise<void> {
    res.on('error', () => undefined)
    const text = await readAll(req).catch(() => '')
    const message = parse(text)
    this.seen.push({ httpMethod: req.method ?? '', path: req.url ?? '', headers: req.headers, text, message })
    await this.#answer(new UpstreamExchange(req, res, message))
  }

  async #answer(exchange: UpstreamExchange): Promise<void> {
    const { on = {}, calls = {}, guard } = this.script
    if (guard && !(await guard(exchange))) return
    const { message, req } = exchange
    const method = String(message['method'] ?? req.method)
    const tool = method === 'tools/call' ? own(calls, String(message['params']?.name)) : undefined
    const handler = tool ?? own(on, method) ?? on['*'] ?? this.#usual(method)
    await handler(exchange)
  }

  #usual(method: string): Handler {
    const isModern = this.script.era === 'modern'
    const capabilities = this.script.capabilities ?? { tools: {}, logging: {} }
    if (isModern && method === 'initialize') return (x) => x.error(-32601, 'no', 404)
    if (isModern && method === 'server/discover') {
      const _meta = { 'io.modelcontextprotocol/serverInfo': { name: 'raw', version: '1' } }
      return (x) =>
        x.result({
          resultType: 'complete',
          supportedVersions: ['2026-07-28'],
          capabilities,
          ttlMs: 0,
          cacheScope: 'private',
          _meta,
        })
    }
    switch (method) {
      case 'initialize':
        return (x) =>
          x.result(
            { protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 'raw', version: '1' } },
            { 'mcp-session-id': `raw-${this.seen.length}` },
          )
      case 'server/discover':
        return (x) =>
          x.json(
            { jsonrpc: '2.0', id: null, error: { code: -32000, message: 'Bad Request: Server not initialized' } },
            400,
          )
      case 'tools/list':
        return (x) =>
          x.result({
            tools: this.#tools(),
            ...(isModern ? { resultType: 'complete', ttlMs: 60_000, cacheScope: 'private' } : {}),
          })
      case 'tools/call':
        return (x) => x.text('ok')
      case 'GET':
        return ({ res }) => void res.writeHead(405).end()
      case 'DELETE':
        return ({ res }) => void res.writeHead(200).end()
      default:
        return (x) => ('id' in x.message && 'method' in x.message ? x.error(-32601) : void x.res.writeHead(202).end())
    }
  }

  #tools(): Json[] {
    const names = this.script.tools ?? ['echo', ...Object.keys(this.script.calls ?? {})]
    return names.map((tool) => (typeof tool === 'string' ? { name: tool, inputSchema: { type: 'object' } } : tool))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }
}

/** Names come from the other side, and some of them are every object's. */
function own(handlers: Record<string, Handler>, name: string): Handler | undefined {
  return Object.hasOwn(handlers, name) ? handlers[name] : undefined
}

export const rawUpstream = (script: UpstreamScript = {}): Promise<RawUpstream> => new RawUpstream(script).start()

/** A definition for the gateway. */
export const toServer = (name: string, { url }: { url: string }, rest: Json = {}): Json => {
  const { credential, headers, ...others } = rest
  const transport = {
    kind: 'streamable_http',
    url,
    ...(credential ? { credential } : {}),
    ...(headers ? { headers } : {}),
  }
  return { name, transport, ...others }
}

function parse(text: string): Json {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
