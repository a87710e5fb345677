/** The HTTP server: guards, routes, and the way from a failure to an answer. Bare `node:http`, for speed. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { GatewayError, type ErrorCode } from '#contract/errors.ts'
import { withSharedDeadlines } from '#core/deadlines.ts'
import type { AddressWords, Transport } from '#core/naming/address.ts'
import type { BrokerAddress } from '#core/session/broker-checks.ts'
import type { Broker } from '#gateway/broker.ts'
import { ClientSockets } from './client-sockets.ts'
import { checkGuards, type GuardOptions } from './guards.ts'
import { ChannelCounts } from '#http/mcp/channel-counts.ts'
import { findBrokerCaller } from '#http/mcp/broker-entrance.ts'
import { findCaller, type Caller, type EntranceDeps, type Visit } from '#http/mcp/entrance.ts'
import { OpenReplies } from '#http/mcp/open-replies.ts'
import type { PostDeps } from '#http/mcp/post-context.ts'
import { handlePost } from '#http/mcp/post.ts'
import { SessionStreams } from '#http/mcp/session-streams.ts'
import { StreamsElsewhere } from '#http/mcp/streams-elsewhere.ts'
import { SseEntrance } from '#http/mcp/sse-entrance.ts'
import { handleDelete, handleGet } from '#http/mcp/stream.ts'
import { WebSocketEntrance } from '#http/mcp/websocket-entrance.ts'
import { recordRefused, refuse } from './refuse.ts'
import { createRequestIds } from './request-ids.ts'
import { routePath, type Route } from './route.ts'

export type HttpServerOptions = Omit<EntranceDeps, 'clock' | 'nextRequestId'> & {
  /** Replaced when the configuration changes. */
  guards: () => GuardOptions
  host: string
  port: number
  /** The management API, where there is one. */
  management?: Handler
  /** The pages on which people connect their accounts, where there are any. */
  connect?: Handler
  /** The addresses of agents' sessions, where there are any. */
  broker?: Broker
  /** Why nobody is let in at the moment; null: who may is. */
  whyNotReady?: () => ErrorCode | null
}

type Handler = { handle(req: IncomingMessage, res: ServerResponse): void }

export interface HttpServer {
  readonly host: string
  readonly port: number
  /** What the leak tests count. */
  readonly counts: { replies: number; sse: number; webSockets: number }
  /** Takes no new connection, lets answers under way finish for `drainMs`, then closes everything. */
  close(drainMs: number): Promise<void>
}

/** Not imported: an import reads every export, and one of them loads the built-in `fetch`, 4 MB that nothing here uses. */
const { createServer } = process.getBuiltinModule('node:http')

const headersBytesMax = 32_768
/** How often connections are looked at that send no request. */
const checkMsMax = 5_000

/** Rejects with the system's error when the address cannot be listened on. */
export async function listen(options: HttpServerOptions): Promise<HttpServer> {
  const edge = new HttpEdge(options)
  await edge.listen()
  return edge
}

type McpRoute = Extract<Route, { kind: 'mcp' }>
type HttpVisit = Visit & { res: ServerResponse; path: string; query: string }

class HttpEdge implements HttpServer {
  readonly #options: HttpServerOptions
  readonly #server: Server
  readonly #sockets: ClientSockets
  readonly #sweeping: NodeJS.Timeout
  readonly #replies: OpenReplies
  readonly #deps: PostDeps
  readonly #sse: SseEntrance
  readonly #webSockets: WebSocketEntrance
  #isClosing = false

  constructor(options: HttpServerOptions) {
    const { gateway, limits, randomId, now, onError } = options
    this.#options = options
    this.#replies = new OpenReplies(now)
    this.#sockets = new ClientSockets(now)
    this.#sweeping = setInterval(() => this.#sockets.sweep(), checkMsMax).unref()
    const clock = withSharedDeadlines({ now, after: startTimer })
    const { asks, sessions } = gateway
    const streams = new SessionStreams(asks.id)
    const streamsElsewhere = new StreamsElsewhere({ asks, sessions, streams })
    const shared = { replies: this.#replies, streams, streamsElsewhere }
    const nextRequestId = createRequestIds(randomId)
    this.#deps = { gateway, limits, randomId, nextRequestId, now, clock, onError, ...shared }
    const channels = new ChannelCounts(limits)
    this.#sse = new SseEntrance(this.#deps, channels)
    this.#webSockets = new WebSocketEntrance(this.#deps, channels)
    this.#server = createServer(
      {
        maxHeaderSize: headersBytesMax,
        // Two Authorization headers become one that is no token, and are refused as such.
        joinDuplicateHeaders: true,
        headersTimeout: limits.requestTimeoutMs,
        // Headers and body together, whether anybody reads them or not: a refused body must not hold its connection.
        requestTimeout: 2 * limits.requestTimeoutMs,
        // See `client-sockets.ts`.
        keepAliveTimeout: 0,
        connectionsCheckingInterval: Math.min(limits.requestTimeoutMs, checkMsMax),
        // Any other offer to upgrade (h2c, say) may be ignored, and is (RFC 9110 §7.8).
        shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
        noDelay: true,
      },
      (req, res) => this.#onRequest(req, res),
    )
    this.#server.on('connection', (socket: Socket) => this.#sockets.add(socket))
    this.#server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#onUpgrade(req, socket, head),
    )
    this.#server.on('clientError', (error, socket) => refuseSocket(socket, statusOfBrokenHttp(error)))
  }

  listen(): Promise<void> {
    const { host, port } = this.#options
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
  }

  get host(): string {
    return this.#options.host
  }

  get port(): number {
    const address = this.#server.address()
    return address !== null && typeof address === 'object' ? address.port : this.#options.port
  }

  get counts(): HttpServer['counts'] {
    return { replies: this.#replies.size, sse: this.#sse.size, webSockets: this.#webSockets.size }
  }

  #onRequest(req: IncomingMessage, res: ServerResponse): void {
    this.#sockets.used(req.socket, res)
    const { path, query } = splitUrl(req.url ?? '/')
    const requestId = this.#deps.nextRequestId()
    const receivedAt = this.#deps.now()
    const visit = { req, res, path, query, requestId, receivedAt, principal: null, endpoint: null }
    // A client that goes away mid-write is no defect.
    res.on('error', ignore)
    try {
      checkGuards(req.headers, this.#options.guards())
      const route = routePath(path)
      if (!route) throw new GatewayError('not_found')
      this.#visit(route, visit)
    } catch (error) {
      refuse({ ...visit, deps: this.#deps }, error)
      // What is left of a body that nobody reads must not hold the connection.
      if (!req.complete) req.resume()
    }
  }

  #visit(route: Route, visit: HttpVisit): void {
    switch (route.kind) {
      case 'live':
        return sendText(visit.res, 200, 'ok\n')
      case 'ready':
        return this.#sendReadiness(visit.res)
      case 'mcp':
        return this.#visitMcp(route, visit)
      case 'broker':
        return this.#visitBroker(route.at, visit)
      case 'management':
        return this.#hand(this.#options.management, visit)
      case 'connect':
        return this.#hand(this.#options.connect, visit)
    }
  }

  #sendReadiness(res: ServerResponse): void {
    const reason = this.#isClosing ? 'closing' : (this.#options.whyNotReady?.() ?? null)
    sendText(res, reason === null ? 200 : 503, `${reason ?? 'ok'}\n`)
  }

  #hand(handler: Handler | undefined, { req, res }: HttpVisit): void {
    if (this.#isClosing) throw new GatewayError('shutting_down')
    if (!handler) throw new GatewayError('not_found')
    handler.handle(req, res)
  }

  #visitBroker(at: BrokerAddress, visit: HttpVisit): void {
    if (this.#isClosing) throw new GatewayError('shutting_down')
    const { broker } = this.#options
    if (!broker) throw new GatewayError('not_found')
    this.#serve(
      'streamable_http',
      findBrokerCaller(visit, at, { broker, clients: this.#options.guards().clients }),
      visit,
    )
  }

  #visitMcp(route: McpRoute, visit: HttpVisit): void {
    if (this.#isClosing) throw new GatewayError('shutting_down')
    this.#serve(route.transport, this.#findCaller(visit, route.words), visit)
  }

  #serve(transport: Transport, { principal, endpoint, address }: Caller, visit: HttpVisit): void {
    const { req, res, path, query, requestId, receivedAt } = visit
    const context = { principal, endpoint, address, req, res, requestId, receivedAt, deps: this.#deps }
    // Not in the switch: a text would be made for each call.
    if (transport === 'streamable_http' && req.method === 'POST') return handlePost(context)
    switch (`${transport} ${req.method}`) {
      case 'streamable_http GET':
        return handleGet(context)
      case 'streamable_http DELETE':
        return handleDelete(context)
      case 'sse GET':
        return this.#sse.open(context, path)
      case 'messages POST':
        return this.#sse.post(context, new URLSearchParams(query))
      default:
        throw new GatewayError('method_not_allowed')
    }
  }

  #findCaller(visit: Visit, words: AddressWords): Caller {
    return findCaller(visit, words, { gateway: this.#deps.gateway, clients: this.#options.guards().clients })
  }

  #onUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#sockets.release(req.socket)
    socket.on('error', () => undefined)
    const requestId = this.#deps.nextRequestId()
    const receivedAt = this.#deps.now()
    const visit = { req, requestId, receivedAt, principal: null, endpoint: null }
    try {
      checkGuards(req.headers, this.#options.guards())
      const route = routePath(splitUrl(req.url ?? '/').path)
      if (route?.kind !== 'mcp' || route.transport !== 'websocket') throw new GatewayError('not_found')
      if (this.#isClosing) throw new GatewayError('shutting_down')
      const caller = this.#findCaller(visit, route.words)
      const isServed = this.#webSockets.upgrade({ ...caller, req, socket, head })
      // The handshake was not one, and has been answered as such.
      if (!isServed) recordRefused(visit, new GatewayError('invalid_request'), { deps: this.#deps })
    } catch (error) {
      refuseSocket(socket, recordRefused(visit, error, { deps: this.#deps }).status)
    }
  }

  async close(drainMs: number): Promise<void> {
    this.#isClosing = true
    // The HTTP server's own `close` cuts connections whose answer was given and has not gone out yet; this one stops listening.
    const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(this.#server, () => resolve()))
    await this.#drain(drainMs)
    this.#webSockets.close()
    this.#replies.close()
    clearInterval(this.#sweeping)
    this.#server.closeAllConnections()
    await closed
    this.#server.close()
  }

  /** Long streams do not end by themselves: only calls are waited for, and that what was said has gone out. */
  async #drain(drainMs: number): Promise<void> {
    const until = performance.now() + drainMs
    while ((this.#options.gateway.counts.callsUnderWay > 0 || this.#isWriting) && performance.now() < until)
      await delay(20)
  }

  get #isWriting(): boolean {
    return this.#sockets.all.some((socket) => socket.writableLength > 0)
  }
}

function ignore(): void {}

function startTimer(delayMs: number, task: () => void): () => void {
  const timer = setTimeout(task, delayMs)
  timer.unref()
  return () => clearTimeout(timer)
}

function splitUrl(url: string): { path: string; query: string } {
  const at = url.indexOf('?')
  return at === -1 ? { path: url, query: '' } : { path: url.slice(0, at), query: url.slice(at + 1) }
}

function sendText(res: ServerResponse, status: number, text: string): void {
  res.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(text) })
  res.end(text)
}

/** What is no HTTP request never becomes one, so there is no message to answer it with. */
function statusOfBrokenHttp(error: Error): number {
  const code = 'code' in error ? error.code : undefined
  if (code === 'HPE_HEADER_OVERFLOW') return 431
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
}

function refuseSocket(socket: Duplex, status: number): void {
  if (!socket.writable) return void socket.destroy()
  const challenge = status === 401 ? 'WWW-Authenticate: Bearer realm="toolgate"\r\n' : ''
  // A peer that never closes its own half would hold the socket for ever, and the server's end with it.
  const answer = `HTTP/1.1 ${status} Refused\r\n${challenge}Connection: close\r\nContent-Length: 0\r\n\r\n`
  socket.end(answer, () => socket.destroy())
}
