/** An MCP server over Streamable HTTP that counts what reaches it. Legacy with sessions, modern, or both on one address. */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { listenOnLoopback, type LoopbackServer } from '../../conformance/loopback-server.ts'
import { answerTo, handlersFor, modernRevision } from './exchange.ts'
import type { Era, Json, RawCall, RawHandlers, RawOptions } from './exchange.ts'

export type Seen = {
  http: string
  /** JSON-RPC method; empty for GET, DELETE and answers. */
  method: string
  headers: IncomingMessage['headers']
  body: Json
}

export type RawUpstream = LoopbackServer & {
  /** Every HTTP request, in order. */
  seen: Seen[]
  count(method: string): number
  beforeListen?: () => Promise<void>
  /** May be replaced while it runs. */
  handlers: RawHandlers
  /** From now on it speaks these, as after an update of the server. */
  speak(eras: readonly Era[]): void
  /** Forgets every legacy session: whoever comes with one gets 404. */
  forgetSessions(): void
  sessionCount(): number
  /** Says something that belongs to no call, on every stream that is open for it. */
  announce(method: string, params?: Json): void
}

type Stream = { res: ServerResponse; /** Modern: the subscription. */ listen: { id: unknown; filter: Json } | null }

export async function startRawUpstream(eras: readonly Era[], options: RawOptions = {}): Promise<RawUpstream> {
  const upstream = new HttpUpstream(eras, options)
  const server = createServer((req, res) => {
    upstream.handle(req, res).catch(() => res.destroy())
  })
  return Object.assign(upstream, await listenOnLoopback(server, { port: 0, path: '/mcp' }))
}

class HttpUpstream {
  readonly seen: Seen[] = []
  readonly handlers: RawHandlers
  /** Modern: what a subscription waits for before it is acknowledged. */
  beforeListen?: () => Promise<void>
  #eras: readonly Era[]
  readonly #sessions = new Set<string>()
  readonly #streams = new Set<Stream>()
  /** By session and request id: what a `notifications/cancelled` resolves. */
  readonly #cancels = new Map<string, () => void>()
  readonly #asked = new Map<unknown, (answer: Json) => void>()
  #nextAskId = 1

  constructor(eras: readonly Era[], options: RawOptions) {
    this.#eras = eras
    this.handlers = handlersFor(options)
  }

  count(method: string): number {
    return this.seen.filter((seen) => seen.method === method).length
  }

  speak(eras: readonly Era[]): void {
    this.#eras = eras
  }

  forgetSessions(): void {
    this.#sessions.clear()
    for (const { res } of this.#streams) res.end()
  }

  sessionCount(): number {
    return this.#sessions.size
  }

  announce(method: string, params: Json = {}): void {
    for (const { res, listen } of this.#streams) {
      const _meta = listen && { 'io.modelcontextprotocol/subscriptionId': listen.id }
      if (listen && !isWished(listen.filter, method, params)) continue
      writeEvent(res, { jsonrpc: '2.0', method, params: _meta ? { ...params, _meta } : params })
    }
  }

  async handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = await readJson(req)
    const method = typeof body['method'] === 'string' ? body['method'] : ''
    this.seen.push({ http: req.method ?? '', method, headers: req.headers, body })
    const meta = (body['params'] as Json | undefined)?.['_meta'] as Json | undefined
    const era: Era = meta?.['io.modelcontextprotocol/protocolVersion'] === modernRevision ? 'modern' : 'legacy'
    if (!this.#eras.includes(era)) return refuse(res, body, era)
    if (era === 'modern') return this.#modern(req, res, body)
    return this.#legacy(req, res, body)
  }

  async #modern(req: IncomingMessage, res: ServerResponse, body: Json): Promise<void> {
    if (body['method'] === 'subscriptions/listen') {
      await this.beforeListen?.()
      const filter = ((body['params'] as Json)['notifications'] ?? {}) as Json
      const _meta = { 'io.modelcontextprotocol/subscriptionId': body['id'] }
      this.#keep({ res, listen: { id: body['id'], filter } })
      const params = { notifications: filter, _meta }
      return writeEvent(res, { jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params })
    }
    const cancelled = new Promise<void>((resolve) => res.once('close', resolve))
    await this.#answer(res, body, { era: 'modern', headers: req.headers, sessionId: undefined, cancelled })
  }

  async #legacy(req: IncomingMessage, res: ServerResponse, body: Json): Promise<void> {
    const given = req.headers['mcp-session-id']
    const isNew = body['method'] === 'initialize'
    if (!isNew && given === undefined) return refuse(res, body, 'legacy')
    const sessionId = isNew ? randomUUID() : String(given)
    if (isNew) this.#sessions.add(sessionId)
    if (!this.#sessions.has(sessionId)) return send(res, 404, { jsonrpc: '2.0', id: null, error: notKnown })
    if (req.method === 'GET') return this.#keep({ res, listen: null })
    if (req.method === 'DELETE') {
      this.#sessions.delete(sessionId)
      res.writeHead(200).end()
      return
    }
    if (body['id'] === undefined || body['method'] === undefined) return this.#accept(res, sessionId, body)
    const key = `${sessionId} ${JSON.stringify(body['id'])}`
    const cancelled = new Promise<void>((resolve) => this.#cancels.set(key, resolve))
    res.setHeader('mcp-session-id', sessionId)
    await this.#answer(res, body, { era: 'legacy', headers: req.headers, sessionId, cancelled })
    this.#cancels.delete(key)
  }

  #accept(res: ServerResponse, sessionId: string, body: Json): void {
    res.writeHead(202).end()
    const requestId = (body['params'] as Json | undefined)?.['requestId']
    if (body['method'] === 'notifications/cancelled') this.#cancels.get(`${sessionId} ${JSON.stringify(requestId)}`)?.()
    if (body['method'] === undefined) this.#asked.get(body['id'])?.(body)
  }

  async #answer(
    res: ServerResponse,
    body: Json,
    from: Pick<RawCall, 'era' | 'headers' | 'sessionId' | 'cancelled'>,
  ): Promise<void> {
    const call: RawCall = {
      ...from,
      method: String(body['method']),
      params: (body['params'] ?? {}) as Json,
      notify: (method, params) => writeEvent(res, { jsonrpc: '2.0', method, params }),
      ask: (method, params) => {
        const id = `ask-${this.#nextAskId++}`
        const answered = new Promise<Json>((resolve) => this.#asked.set(id, resolve))
        writeEvent(res, { jsonrpc: '2.0', id, method, params })
        return answered
      },
    }
    const answer = await answerTo(this.handlers, body['id'], call)
    if (!res.headersSent) return send(res, 200, answer)
    writeEvent(res, answer)
    res.end()
  }

  #keep(stream: Stream): void {
    this.#streams.add(stream)
    stream.res.once('close', () => this.#streams.delete(stream))
    openEvents(stream.res)
  }
}

const notKnown = { code: -32001, message: 'Session not found' }

/** As servers of one era alone refuse the other (measured on the SDK's). */
function refuse(res: ServerResponse, body: Json, era: Era): void {
  const data = { supported: [modernRevision], requested: '2025-11-25' }
  const notInitialized = { code: -32000, message: 'Bad Request: Server not initialized' }
  const unsupported = { code: -32022, message: 'Unsupported protocol version', data }
  if (era === 'modern') send(res, 400, { jsonrpc: '2.0', id: null, error: notInitialized })
  else send(res, 400, { jsonrpc: '2.0', id: body['id'] ?? null, error: unsupported })
}

function isWished(filter: Json, method: string, params: Json): boolean {
  const uris = filter['resourceSubscriptions']
  const tasks = filter['taskIds']
  if (method === 'notifications/resources/updated') return Array.isArray(uris) && uris.includes(params['uri'])
  if (method === 'notifications/tasks') return Array.isArray(tasks) && tasks.includes(params['taskId'])
  const kind = /^notifications\/(tools|prompts|resources)\/list_changed$/.exec(method)?.[1]
  return kind !== undefined && filter[`${kind}ListChanged`] === true
}

function openEvents(res: ServerResponse): void {
  if (res.headersSent) return
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  res.flushHeaders()
}

function writeEvent(res: ServerResponse, message: Json): void {
  openEvents(res)
  if (!res.destroyed) res.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`)
}

function send(res: ServerResponse, status: number, message: Json): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(message))
}

async function readJson(req: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString()
  return text === '' ? {} : JSON.parse(text)
}
