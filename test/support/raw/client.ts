/** MCP requests by hand, so that nothing a gateway sends is dropped or repaired on the way to the test. */
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { modernRevision, type Era, type Json } from './exchange.ts'

export type Address = { url: string; token: string; headers?: Record<string, string> }
type OnMessage = (message: Json) => void

export type Received = {
  status: number
  headers: Headers
  /** All messages of the answer, in order; the response is the last one. */
  messages: Json[]
  result: Json | undefined
  error: { code: number; message: string; data?: Json } | undefined
}

export type AskOptions = { signal?: AbortSignal; onMessage?: OnMessage }

/** A client of either era, as one test must hold for both. */
export type RawClient = AsyncDisposable & {
  ask(method: string, params?: Json, options?: AskOptions): Promise<Received>
}

export async function openRaw(era: Era, to: Address, capabilities: Json = {}): Promise<RawClient> {
  if (era === 'legacy') return LegacySession.open(to, capabilities)
  return {
    ask: (method, params = {}, options = {}) => askModern(to, { method, params, capabilities }, options),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

let nextId = 1

export function askModern(
  to: Address,
  { method, params = {}, capabilities = {} }: { method: string; params?: Json; capabilities?: Json },
  options: AskOptions = {},
): Promise<Received> {
  const name = params['name'] ?? params['uri']
  const { _meta: own, ...rest } = params
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': modernRevision,
    'io.modelcontextprotocol/clientCapabilities': capabilities,
    ...(own as Json | undefined),
  }
  const headers = {
    'mcp-protocol-version': modernRevision,
    'mcp-method': method,
    ...(typeof name === 'string' && { 'mcp-name': name }),
    ...to.headers,
  }
  return post({ ...to, headers }, toRequest(method, { ...rest, _meta }), options)
}

const toRequest = (method: string, params: Json): Json => ({ jsonrpc: '2.0', id: nextId++, method, params })

/** A session of a client of the revisions up to 2025-11-25. */
export class LegacySession implements RawClient {
  readonly #to: Address

  private constructor(to: Address) {
    this.#to = to
  }

  static async open(to: Address, capabilities: Json = {}, revision = '2025-11-25'): Promise<LegacySession> {
    const clientInfo = { name: 'raw-client', version: '1.0.0' }
    const answer = await post(to, toRequest('initialize', { protocolVersion: revision, capabilities, clientInfo }))
    const id = answer.headers.get('mcp-session-id')
    if (!id) throw new Error(`no session: ${JSON.stringify(answer)}`)
    const headers = { ...to.headers, 'mcp-session-id': id, 'mcp-protocol-version': revision }
    const session = new LegacySession({ ...to, headers })
    await session.notify('notifications/initialized')
    return session
  }

  /** One that is open already; its headers are in `to`. */
  static take(to: Address): LegacySession {
    return new LegacySession(to)
  }

  get id(): string {
    return this.#to.headers?.['mcp-session-id'] ?? ''
  }

  ask(method: string, params: Json = {}, options: AskOptions = {}) {
    return post(this.#to, toRequest(method, params), options)
  }

  async notify(method: string, params: Json = {}): Promise<void> {
    await post(this.#to, { jsonrpc: '2.0', method, params })
  }

  async answer(id: unknown, result: Json): Promise<void> {
    await post(this.#to, { jsonrpc: '2.0', id, result })
  }

  /** Opens the GET stream. `ended` resolves when the gateway closes it. */
  async follow(onMessage: OnMessage): Promise<{ status: number; ended: Promise<void>; close(): void }> {
    const controller = new AbortController()
    const headers = { ...headersOf(this.#to), accept: 'text/event-stream' }
    const response = await fetch(this.#to.url, { headers, signal: controller.signal })
    const ended = readEvents(response, onMessage).catch(() => undefined)
    return { status: response.status, ended, close: () => controller.abort() }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const response = await fetch(this.#to.url, { method: 'DELETE', headers: headersOf(this.#to) }).catch(() => null)
    await response?.body?.cancel()
  }
}

export async function post(to: Address, message: unknown, options: AskOptions = {}): Promise<Received> {
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...headersOf(to),
  }
  const body = JSON.stringify(message)
  const signal = options.signal ?? null
  const response = await fetch(to.url, { method: 'POST', headers, body, signal })
  const messages: Json[] = []
  const take: OnMessage = (part) => {
    messages.push(part)
    options.onMessage?.(part)
  }
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) await readEvents(response, take)
  else {
    const text = await response.text()
    if (text !== '') take(JSON.parse(text))
  }
  const last = messages.at(-1)
  const result = last?.['result'] as Received['result']
  return {
    status: response.status,
    headers: response.headers,
    messages,
    result,
    error: last?.['error'] as Received['error'],
  }
}

const headersOf = ({ token, headers }: Address): Record<string, string> => ({
  authorization: `Bearer ${token}`,
  ...headers,
})

async function readEvents(response: Response, onMessage: OnMessage): Promise<void> {
  if (!response.body) return
  const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
  for await (const { data } of events) if (data !== '') onMessage(JSON.parse(data))
}

/** A list in a result. @throws with the whole answer where it is not there */
export function listOf<Item = Json>(answer: Received, member: string): Item[] {
  const list = answer.result?.[member]
  if (!Array.isArray(list)) throw new Error(`no ${member}: ${JSON.stringify(answer)}`)
  return list
}
