/** MCP clients of both eras and all entrances that can also be told to misbehave. */
import { WebSocket } from 'ws'
import { rawToken, type RawGateway } from './raw-gateway.ts'
import { exchange, openEvents, parseJson, type Json, type RawAnswer, type RawEvents } from './raw-http.ts'

export const modernRevision = '2026-07-28'

export const both = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${rawToken(token)}` })

export type CallerOptions = { token?: string; path?: string }
export type LegacyOptions = CallerOptions & { revision?: string; capabilities?: Json }

export async function post(
  gateway: RawGateway,
  body: unknown,
  options: CallerOptions & { headers?: Record<string, string | string[]> } = {},
): Promise<RawAnswer> {
  const { token = 'a', path = '/mcp', headers = {} } = options
  return exchange(gateway.url + path, {
    method: 'POST',
    headers: { ...both, ...bearer(token), ...headers },
    body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
  })
}

/** `error.data.code` of a JSON-RPC failure, or what stands in its place. */
export function codeOf(answer: RawAnswer | Json): unknown {
  const message: Json = 'text' in answer && typeof answer['text'] === 'string' ? parseMessage(answer['text']) : answer
  return message['error']?.data?.code ?? message['error'] ?? message['result'] ?? message
}

/** The one message of a JSON answer, or the last of an event stream. */
export function parseMessage(text: string): Json {
  if (!/^(?:event|data|id|:)/.test(text)) return parseJson(text)
  const last = text
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .at(-1)
  return parseJson(last?.slice(6) ?? '')
}

export const initialize = (revision = '2025-11-25', capabilities: Json = {}): Json => ({
  jsonrpc: '2.0',
  id: 'init',
  method: 'initialize',
  params: { protocolVersion: revision, capabilities, clientInfo: { name: 'attacker', version: '1' } },
})

export interface LegacyClient {
  readonly id: string
  readonly headers: Record<string, string>
  /** The message as it is; `headers` go above the session's own. */
  post(body: unknown, headers?: Record<string, string>): Promise<RawAnswer>
  request(method: string, params?: Json, id?: string | number): Promise<Json>
  /** The POST's answer as a stream, whether it is one or not. */
  stream(body: unknown): Promise<RawEvents>
  listen(headers?: Record<string, string>): Promise<RawEvents>
  end(): Promise<RawAnswer>
}

let nextId = 1

export async function openLegacy(gateway: RawGateway, options: LegacyOptions = {}): Promise<LegacyClient> {
  const { token = 'a', path = '/mcp', revision = '2025-11-25', capabilities = {} } = options
  const opened = await post(gateway, initialize(revision, capabilities), { token, path })
  const id = String(opened.headers['mcp-session-id'] ?? '')
  if (id === '') throw new Error(`initialize was answered with ${opened.status} ${opened.text}`)
  const headers = { ...bearer(token), 'mcp-session-id': id, 'mcp-protocol-version': revision }
  const url = gateway.url + path
  const send = (body: unknown, extra: Record<string, string> = {}): Promise<RawAnswer> =>
    post(gateway, body, { token, path, headers: { ...headers, ...extra } })
  await send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  return {
    id,
    headers,
    post: send,
    request: async (method, params = {}, id = nextId++) =>
      parseMessage((await send({ jsonrpc: '2.0', id, method, params })).text),
    stream: (body) => openEvents(url, { method: 'POST', headers: { ...both, ...headers }, body: JSON.stringify(body) }),
    listen: (extra = {}) => openEvents(url, { headers: { accept: 'text/event-stream', ...headers, ...extra } }),
    end: () => exchange(url, { method: 'DELETE', headers }),
  }
}

export const envelope = (capabilities: Json = {}): Json => ({
  'io.modelcontextprotocol/protocolVersion': modernRevision,
  'io.modelcontextprotocol/clientCapabilities': capabilities,
})

export type ModernExtra = { id?: string | number; headers?: Record<string, string> }

export function modernMessage(
  method: string,
  params: Json = {},
  options: { id?: string | number; capabilities?: Json } = {},
): Json {
  const meta = { ...envelope(options.capabilities), ...params['_meta'] }
  return { jsonrpc: '2.0', id: options.id ?? nextId++, method, params: { ...params, _meta: meta } }
}

/** The headers that mirror a message, as far as headers can. */
export function modernHeaders(message: Json): Record<string, string> {
  const { name, uri, taskId } = message['params'] ?? {}
  const target = name ?? uri ?? taskId
  const method = String(message['method']).replaceAll(/[^\x20-\x7e]/g, '')
  const headers = { 'mcp-protocol-version': modernRevision, 'mcp-method': method }
  if (typeof target !== 'string') return headers
  const isPlain = /^[\x21-\x7e]+$/.test(target) && !target.startsWith('=?')
  return { ...headers, 'mcp-name': isPlain ? target : `=?base64?${Buffer.from(target).toString('base64')}?=` }
}

/** A modern client has no session: what it is travels with each request. */
export interface ModernClient {
  post(method: string, params?: Json, extra?: ModernExtra): Promise<RawAnswer>
  request(method: string, params?: Json, extra?: ModernExtra): Promise<Json>
  stream(method: string, params?: Json, extra?: ModernExtra): Promise<RawEvents>
}

export function openModern(gateway: RawGateway, options: CallerOptions & { capabilities?: Json } = {}): ModernClient {
  const { token = 'a', path = '/mcp', capabilities = {} } = options
  const build = (method: string, params: Json, { id, headers }: ModernExtra) => {
    const message = modernMessage(method, params, { capabilities, ...(id === undefined ? {} : { id }) })
    return { message, headers: { ...modernHeaders(message), ...headers } }
  }
  const send: ModernClient['post'] = (method, params = {}, extra = {}) => {
    const { message, headers } = build(method, params, extra)
    return post(gateway, message, { token, path, headers })
  }
  return {
    post: send,
    request: async (method, params, extra) => parseMessage((await send(method, params, extra)).text),
    stream(method, params = {}, extra = {}) {
      const { message, headers } = build(method, params, extra)
      const all = { ...both, ...bearer(token), ...headers }
      return openEvents(gateway.url + path, { method: 'POST', headers: all, body: JSON.stringify(message) })
    },
  }
}

/** A two-way channel of messages, over SSE or a WebSocket. */
export interface ChannelPeer {
  send(text: string): Promise<void>
  /** The first message, past or to come, that fits. */
  message(fits: (message: Json) => boolean): Promise<Json>
  request(method: string, params?: Json, id?: string | number): Promise<Json>
  readonly all: readonly Json[]
  /** Resolves with the close code, or 0. */
  readonly closed: Promise<number>
  close(): void
}

function toPeer(send: (text: string) => Promise<void>, rest: Pick<ChannelPeer, 'closed' | 'close'>) {
  const all: Json[] = []
  const waiting = new Set<() => void>()
  let isOver = false
  const wake = (): void => {
    for (const task of waiting) task()
  }
  void rest.closed.then(() => {
    isOver = true
    wake()
  })
  const message: ChannelPeer['message'] = (fits) =>
    new Promise((resolve, reject) => {
      let seen = 0
      const look = (): void => {
        let found: Json | undefined
        while (!found && seen < all.length) {
          const candidate = all[seen++]
          if (candidate && fits(candidate)) found = candidate
        }
        if (!found && !isOver) return
        waiting.delete(look)
        if (found) resolve(found)
        else reject(new Error('the channel was closed without it'))
      }
      waiting.add(look)
      look()
    })
  const peer: ChannelPeer = {
    send,
    message,
    all,
    ...rest,
    async request(method, params = {}, id = nextId++) {
      const answer = message((candidate) => candidate['id'] === id && !('method' in candidate))
      await send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
      return answer
    },
  }
  const push = (text: string): void => {
    all.push(parseJson(text))
    wake()
  }
  return { peer, push }
}

export async function openWebSocket(gateway: RawGateway, options: CallerOptions = {}): Promise<ChannelPeer> {
  const { token = 'a', path = '/mcp/ws' } = options
  const ws = new WebSocket(gateway.url.replace('http', 'ws') + path, 'mcp', { headers: bearer(token) })
  const closed = new Promise<number>((resolve) => ws.once('close', resolve))
  const { peer, push } = toPeer((text) => new Promise((resolve) => ws.send(text, () => resolve())), {
    closed,
    close: () => ws.terminate(),
  })
  ws.on('message', (data: Buffer) => push(data.toString()))
  await new Promise<void>((resolve, reject) => {
    ws.once('open', () => resolve())
    ws.once('error', reject)
    ws.once('unexpected-response', (_req, res) => reject(new Error(`status ${res.statusCode}`)))
  })
  ws.on('error', () => undefined)
  return peer
}

export async function openSse(
  gateway: RawGateway,
  options: CallerOptions = {},
): Promise<ChannelPeer & { postUrl: string }> {
  const { token = 'a', path = '/mcp/sse' } = options
  const events = await openEvents(gateway.url + path, { headers: { accept: 'text/event-stream', ...bearer(token) } })
  if (events.status !== 200) throw new Error(`status ${events.status}`)
  const postUrl = gateway.url + (await events.find(({ event }) => event === 'endpoint')).data
  const { peer, push } = toPeer(
    async (text) => {
      const answer = await exchange(postUrl, { method: 'POST', headers: { ...both, ...bearer(token) }, body: text })
      if (answer.status !== 202) push(answer.text)
    },
    { closed: events.ended.then(() => 0), close: () => events.close() },
  )
  let taken = 0
  const take = async (): Promise<void> => {
    for (;;) {
      const event = await events
        .find((candidate) => candidate.event === 'message' && events.all.indexOf(candidate) > taken)
        .catch(() => null)
      if (!event) return
      taken = events.all.indexOf(event)
      push(event.data)
    }
  }
  void take()
  return Object.assign(peer, { postUrl })
}

/** Opens the legacy session that a channel has. */
export async function handshake(peer: ChannelPeer, revision = '2025-11-25', capabilities: Json = {}): Promise<Json> {
  const message = initialize(revision, capabilities)
  const answer = peer.message((candidate) => candidate['id'] === 'init')
  await peer.send(JSON.stringify(message))
  const result = await answer
  await peer.send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }))
  return result
}
