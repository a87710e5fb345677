/** HTTP to one upstream over an undici pool: the hot path's second half. */
import type { Dispatcher } from 'undici'
import errors from 'undici/lib/core/errors.js'
import Pool from 'undici/lib/dispatcher/pool.js'
import { GatewayError } from '#contract/errors.ts'
import type { HttpWire, WireAnswer, WireExchange, WireHead, WireRequest } from '#core/upstream/http-wire.ts'

export type HttpWireOptions = {
  url: string
  connectionsMax: number
  connectTimeoutMs: number
}

/** @throws GatewayError `config_invalid` when the address is none */
export function createHttpWire(options: HttpWireOptions): HttpWire {
  const url = parseUrl(options.url)
  const pool = new Pool(url.origin, {
    connections: options.connectionsMax,
    connect: { timeout: options.connectTimeoutMs },
    // An upstream's silence is bounded by each request itself.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 30_000,
  })
  const path = url.pathname + url.search
  return {
    send: (request, answer) => startDispatch(pool, path, { request, answer }),
    close: () => pool.destroy(),
  }
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text))
    throw new GatewayError('config_invalid', { details: { reason: 'the server address is not a URL' } })
  return new URL(text)
}

function startDispatch(pool: Pool, path: string, run: { request: WireRequest; answer: WireAnswer }): WireExchange {
  const { request, answer } = run
  const exchange = new Exchange(answer)
  const options: Dispatcher.DispatchOptions = {
    path,
    method: request.method,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- undici only reads it, and a copy would be one for each call
    headers: request.headers as string[],
    body: request.body ?? null,
    headersTimeout: request.silenceMsMax,
    bodyTimeout: request.silenceMsMax,
  }
  try {
    pool.dispatch(options, exchange)
  } catch (error) {
    exchange.fail(error)
  }
  exchange.isDispatched = true
  return exchange
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
  readonly #answer: WireAnswer
  #controller: Dispatcher.DispatchController | undefined
  #isOver = false
  isDispatched = false

  constructor(answer: WireAnswer) {
    this.#answer = answer
  }

  resume(): void {
    if (!this.#isOver) this.#controller?.resume()
  }

  abort(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#controller?.abort(new errors.RequestAbortedError())
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#isOver) controller.abort(new errors.RequestAbortedError())
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
    if (this.#isOver) return
    this.#isOver = true
    this.#answer.end()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error)
  }

  /** What is refused before it is sent (a header that is none) is told like every other failure: in a later turn. */
  fail(error: unknown): void {
    if (!this.isDispatched) return queueMicrotask(() => this.fail(error))
    if (this.#isOver) return
    this.#isOver = true
    this.#answer.fail(toFailure(error))
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

/** An HTTP parser's error holds bytes of the upstream: it is never kept as a cause. */
function toFailure(error: unknown): GatewayError {
  if (error instanceof errors.HTTPParserError)
    return new GatewayError('upstream_protocol', { details: { reason: 'not HTTP' } })
  if (error instanceof errors.ResponseExceededMaxSizeError) return new GatewayError('upstream_too_large')
  const isTimeout =
    error instanceof errors.HeadersTimeoutError ||
    error instanceof errors.BodyTimeoutError ||
    error instanceof errors.ConnectTimeoutError
  if (isTimeout) return new GatewayError('upstream_timeout')
  if (error instanceof errors.InvalidArgumentError)
    return new GatewayError('config_invalid', { details: { reason: 'a header is not valid' } })
  if (error instanceof errors.HeadersOverflowError)
    return new GatewayError('upstream_protocol', { details: { reason: 'headers too large' } })
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
  return new GatewayError(closedCodes.has(code) ? 'upstream_closed' : 'upstream_unreachable', { cause: error })
}
