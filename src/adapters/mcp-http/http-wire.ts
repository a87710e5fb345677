/** HTTP to one upstream over an undici pool: the hot path's second half. */
import { TLSSocket, type SecureContext } from 'node:tls'
import type { buildConnector as Build, Dispatcher } from 'undici'
import buildConnector from 'undici/lib/core/connect.js'
import errors from 'undici/lib/core/errors.js'
import Pool from 'undici/lib/dispatcher/pool.js'
import { GatewayError } from '#contract/errors.ts'
import type { Egress } from '#core/egress/egress.ts'
import type { HttpWire, WireAnswer, WireExchange, WireHead, WireRequest } from '#core/upstream/http-wire.ts'
import { toTlsFailure } from '#core/upstream/tls-failure.ts'

export type HttpWireOptions = {
  url: string
  connectionsMax: number
  connectTimeoutMs: number
  egress: Egress
  /** Certificate and key that the gateway shows. */
  tls?: SecureContext | undefined
}

/** @throws GatewayError `config_invalid` when the address is none */
export function createHttpWire(options: HttpWireOptions): HttpWire {
  const url = parseUrl(options.url)
  const pool = new Pool(url.origin, {
    connections: options.connectionsMax,
    connect: guardedConnector(options),
    // An upstream's silence is bounded by each request itself.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 30_000,
  })
  return new PooledWire(pool, url.pathname + url.search, options.connectionsMax)
}

/** Asked when a connection is opened, never on the path of a call that finds one. Who the server is, is checked whatever the environment says. */
function guardedConnector({ egress, connectTimeoutMs, tls }: HttpWireOptions): Build.connector {
  const secure = { rejectUnauthorized: true, ...(tls && { secureContext: tls }) }
  const connect = buildConnector({ timeout: connectTimeoutMs, lookup: egress.lookup, ...secure })
  return (target, callback) => {
    const refusal = egress.refusalOf(target.hostname)
    if (refusal !== null) return callback(refusal, null)
    const socket: unknown = connect(target, callback)
    endAtError(socket)
  }
}

/**
 * A server that takes no certificate of ours says so after the handshake (TLS 1.3), and closes. undici hears both and tells the latter, unless
 * the first is the end.
 */
function endAtError(socket: unknown): void {
  if (socket instanceof TLSSocket) socket.once('error', () => socket.destroy())
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text))
    throw new GatewayError('config_invalid', { details: { reason: 'the server address is not a URL' } })
  return new URL(text)
}

/**
 * What finds all connections busy waits here, not in the pool: a pool keeps what was aborted, with its body, until its turn comes.
 */
class PooledWire implements HttpWire {
  readonly #pool: Pool
  readonly #path: string
  readonly #waiting = new Set<Exchange>()
  #turns: number

  constructor(pool: Pool, path: string, connectionsMax: number) {
    this.#pool = pool
    this.#path = path
    this.#turns = connectionsMax
  }

  send(request: WireRequest, answer: WireAnswer): WireExchange {
    const exchange = new Exchange(this, request, answer)
    if (this.#turns > 0) this.#start(exchange)
    else this.#waiting.add(exchange)
    return exchange
  }

  close(): Promise<void> {
    for (const exchange of this.#waiting) exchange.fail(new errors.ClientDestroyedError())
    return this.#pool.destroy()
  }

  #start(exchange: Exchange): void {
    this.#turns--
    exchange.dispatch(this.#pool, this.#path)
  }

  /** A turn is over. */
  next(): void {
    this.#turns++
    if (this.#waiting.size === 0) return
    const [exchange] = this.#waiting
    if (!exchange) return
    this.#waiting.delete(exchange)
    this.#start(exchange)
  }

  forget(exchange: Exchange): void {
    this.#waiting.delete(exchange)
  }
}

class Head implements WireHead {
  readonly status: number
  readonly #headers: Record<string, string | string[] | undefined>

  constructor(status: number, headers: Record<string, string | string[] | undefined>) {
    this.status = status
    this.#headers = headers
  }

  header(name: string): string | undefined {
    const value = this.#headers[name]
    return typeof value === 'string' ? value : value?.[0]
  }
}

class Exchange implements WireExchange, Dispatcher.DispatchHandler {
  readonly #wire: PooledWire
  readonly #answer: WireAnswer
  #request: WireRequest | null
  #controller: Dispatcher.DispatchController | undefined
  #isOver = false
  #hasTurn = false

  constructor(wire: PooledWire, request: WireRequest, answer: WireAnswer) {
    this.#wire = wire
    this.#request = request
    this.#answer = answer
  }

  dispatch(pool: Pool, path: string): void {
    const request = this.#request
    if (!request) return
    this.#request = null
    this.#hasTurn = true
    const options: Dispatcher.DispatchOptions = {
      path: request.path ?? path,
      method: request.method,
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- undici only reads it, and a copy would be one for each call
      headers: request.headers as string[],
      body: request.body ?? null,
      headersTimeout: request.silenceMsMax,
      bodyTimeout: request.silenceMsMax,
    }
    try {
      pool.dispatch(options, this)
    } catch (error) {
      this.onResponseError(null, error)
    }
  }

  resume(): void {
    if (!this.#isOver) this.#controller?.resume()
  }

  abort(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#leaveQueue()
    this.#controller?.abort(new errors.RequestAbortedError())
  }

  #leaveQueue(): void {
    if (!this.#request) return
    this.#request = null
    this.#wire.forget(this)
  }

  /** To throw refuses the request; to abort it would cut the connection as well, which is open and free. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#isOver) throw new errors.RequestAbortedError()
    this.#controller = controller
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (this.#isOver || status < 200) return
    this.#answer.head(new Head(status, headers))
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#isOver && !this.#answer.chunk(chunk)) controller.pause()
  }

  onResponseEnd(): void {
    this.#endTurn()
    if (this.#isOver) return
    this.#isOver = true
    this.#answer.end()
  }

  /** What is refused before it is sent (a header that is none) is told like every other failure: in a later turn. */
  onResponseError(_controller: Dispatcher.DispatchController | null, error: unknown): void {
    queueMicrotask(() => {
      this.#endTurn()
      this.fail(error)
    })
  }

  fail(error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#leaveQueue()
    this.#answer.fail(toFailure(error))
  }

  #endTurn(): void {
    if (!this.#hasTurn) return
    this.#hasTurn = false
    this.#wire.next()
  }
}

const closedCodes = new Set([
  'UND_ERR_SOCKET',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
  'ECONNRESET',
  'EPIPE',
])

const timeouts = [errors.HeadersTimeoutError, errors.BodyTimeoutError, errors.ConnectTimeoutError]

/** An HTTP parser's error holds bytes of the upstream: it is never kept as a cause. */
function toFailure(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error
  if (error instanceof errors.HTTPParserError)
    return new GatewayError('upstream_protocol', { details: { reason: 'not HTTP' } })
  if (error instanceof errors.ResponseExceededMaxSizeError) return new GatewayError('upstream_too_large')
  if (timeouts.some((kind) => error instanceof kind)) return new GatewayError('upstream_timeout')
  if (error instanceof errors.InvalidArgumentError)
    return new GatewayError('config_invalid', { details: { reason: 'a header is not valid' } })
  if (error instanceof errors.HeadersOverflowError)
    return new GatewayError('upstream_protocol', { details: { reason: 'headers too large' } })
  const tlsFailure = toTlsFailure(error)
  if (tlsFailure !== null) return tlsFailure
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
  return new GatewayError(closedCodes.has(code) ? 'upstream_closed' : 'upstream_unreachable', { cause: error })
}
