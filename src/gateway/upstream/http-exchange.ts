/** One HTTP exchange with an upstream, up to the point where messages begin: statuses, content types, limits. */
import { GatewayError } from '#contract/errors.ts'
import type { Lease } from '#core/credential/lease.ts'
import { ResponseScan, type ResponseEnding } from '#core/protocol/response-scan.ts'
import type { HttpWire, WireAnswer, WireExchange, WireHead, WireRequest } from '#core/upstream/http-wire.ts'
import type { CreateEventReader, EventReader } from '#core/upstream/event-reader.ts'
import { UpstreamRefused } from '#core/upstream/upstream-refused.ts'
import type { ByteSink } from './upstream-session.ts'

export type ExchangeDeps = {
  wire: HttpWire
  createEventReader: CreateEventReader
  responseBytesMax: number
  lease: Lease
}

/** Given where both sides speak one era and nothing has to be seen: large bodies go through as bytes. */
export type Passing = {
  sink: ByteSink
  /** Whether a body that begins so is the answer that is waited for. What is not is held, and looked at as a whole. */
  isAnswer(head: string): boolean
  /** The sink is full, and has room again: meanwhile the silence is the client's. */
  full(): void
  drained(): void
  /** Called instead of `json`: everything went through the sink. */
  passed(ending: ResponseEnding): void
}

export type ExchangeHandlers = {
  /** Something of the answer has come: the upstream lives. */
  alive?(): void
  passing?: Passing | null
  /** A complete JSON body, of any status but those that say the gateway itself was refused. */
  json(head: WireHead, body: Buffer): void
  /** An answer without a message: 202, 204, or an empty body. */
  empty(head: WireHead): void
  /** One message of an event stream. */
  event(data: string, eventId: string | undefined): void
  /** An event stream begins. */
  streamOpened?(head: WireHead): void
  /** An event stream ended, with the delay that the server wants before a reconnect, if it said one. */
  streamEnded(retryMs: number | undefined): void
  failed(error: GatewayError, head: WireHead | undefined): void
}

/** Bodies above this are not held but passed on as they come, where that is possible. */
const heldBytesMax = 262_144

export function startExchange(deps: ExchangeDeps, request: WireRequest, handlers: ExchangeHandlers): WireExchange {
  const reader = new AnswerReader(deps, handlers)
  const exchange = deps.wire.send(dressed(request, deps.lease), reader)
  reader.exchange = exchange
  return exchange
}

/** What the lease says of this one request. Its headers are in it already. */
function dressed(request: WireRequest, { path, sign }: Lease): WireRequest {
  if (path === undefined && sign === undefined) return request
  const addressed = path === undefined ? request : { ...request, path }
  return sign === undefined ? addressed : { ...addressed, headers: [...addressed.headers, ...sign(addressed)] }
}

/** A stream is taken up again by a header: what no header can hold is no position in it. */
const resumable = /^[\x20-\x7e]{1,1024}$/
const headBytes = 200

type Mode = 'refused' | 'json' | 'events' | 'passing' | 'empty' | 'done'

class AnswerReader implements WireAnswer {
  exchange: WireExchange | undefined
  readonly #deps: ExchangeDeps
  readonly #handlers: ExchangeHandlers
  readonly #passing: Passing | null
  /** What the lease's headers were when this was sent. */
  readonly #sent: readonly string[]
  #mode: Mode = 'empty'
  #head: WireHead | undefined
  #chunks: Uint8Array[] = []
  #bytes = 0
  #events: EventReader | undefined
  #retryMs: number | undefined
  /** The body is held to its end, as something in it is not to go on as it is. */
  #isWhole = false
  /** Reads along with what is passed on. */
  #scan: ResponseScan | undefined

  constructor(deps: ExchangeDeps, handlers: ExchangeHandlers) {
    this.#deps = deps
    this.#handlers = handlers
    this.#passing = handlers.passing ?? null
    this.#sent = deps.lease.headers
  }

  head(head: WireHead): void {
    this.#head = head
    const refusal = refusalOf(head, this.#sent)
    if (refusal) return this.#refuse(refusal)
    const type = (head.header('content-type') ?? '').toLowerCase()
    if (type.startsWith('text/event-stream') && head.status < 300) {
      this.#handlers.alive?.()
      return this.#openStream(head)
    }
    if (type.startsWith('application/json')) {
      this.#mode = 'json'
      // Its body comes with it, or is what is waited for.
      if (Number(head.header('content-length')) > this.#deps.responseBytesMax)
        this.#refuse(new GatewayError('upstream_too_large'))
      return
    }
    if (head.status === 202 || head.status === 204) return
    if (head.header('content-length') !== '0') this.#refuse(strangeAnswer(head))
  }

  #openStream(head: WireHead): void {
    this.#mode = 'events'
    this.#events = this.#deps.createEventReader(
      {
        event: (data, id) => this.#handlers.event(data, id !== undefined && resumable.test(id) ? id : undefined),
        retry: (delayMs) => (this.#retryMs = delayMs),
        failed: (error) => this.#refuse(error),
      },
      { eventBytesMax: this.#deps.responseBytesMax },
    )
    this.#handlers.streamOpened?.(head)
  }

  chunk(bytes: Uint8Array): boolean {
    this.#handlers.alive?.()
    switch (this.#mode) {
      case 'json':
        return this.#hold(bytes)
      case 'events':
        this.#events?.push(bytes)
        return true
      case 'passing':
        return this.#pass(bytes)
      case 'empty':
        // A notification's answer may carry a few stray bytes; more than that is not one.
        this.#bytes += bytes.length
        if (this.#bytes > heldBytesMax) this.#refuse(new GatewayError('upstream_too_large'))
        return true
      default:
        return true
    }
  }

  #hold(bytes: Uint8Array): boolean {
    this.#bytes += bytes.length
    this.#chunks.push(bytes)
    if (this.#bytes > this.#deps.responseBytesMax) this.#refuse(new GatewayError('upstream_too_large'))
    else if (this.#bytes > heldBytesMax && this.#canPass) return this.#startPassing()
    return true
  }

  get #canPass(): boolean {
    return this.#passing !== null && !this.#isWhole && this.#head?.status === 200
  }

  #startPassing(): boolean {
    const passing = this.#passing
    const first = this.#chunks[0]
    if (!passing || !first || !passing.isAnswer(toBuffer(first).toString('latin1', 0, headBytes))) return true
    const held = Buffer.concat(this.#chunks)
    const scan = new ResponseScan()
    if (!scan.push(held)) return this.#refuseBroken('the body is no JSON-RPC response')
    this.#isWhole = scan.mayHoldState
    this.#chunks = [held]
    if (this.#isWhole) return true
    this.#chunks = []
    this.#scan = scan
    this.#mode = 'passing'
    passing.sink.start('application/json')
    return this.#writeOut(passing, held)
  }

  #pass(bytes: Uint8Array): boolean {
    this.#bytes += bytes.length
    if (this.#bytes > this.#deps.responseBytesMax) this.#refuse(new GatewayError('upstream_too_large'))
    else if (!this.#scan?.push(bytes)) return this.#refuseBroken('the body is no JSON-RPC response')
    else if (this.#scan.holdsState) return this.#refuseBroken('a request state comes too late in a large result')
    else if (this.#passing) return this.#writeOut(this.#passing, bytes)
    return true
  }

  #writeOut(passing: Passing, bytes: Uint8Array): boolean {
    if (passing.sink.write(bytes)) return true
    passing.full()
    passing.sink.onDrain(() => {
      passing.drained()
      this.exchange?.resume()
    })
    return false
  }

  end(): void {
    const mode = this.#mode
    if (mode === 'passing') this.#endPassing()
    this.#mode = 'done'
    if (mode === 'json') this.#endJson()
    else if (mode === 'events') this.#handlers.streamEnded(this.#retryMs)
    else if (mode === 'empty' && this.#head) this.#handlers.empty(this.#head)
  }

  #endPassing(): void {
    const ending = this.#scan?.end() ?? null
    if (ending === null) return void this.#refuseBroken('the body is cut off')
    this.#passing?.sink.end()
    this.#passing?.passed(ending)
  }

  #refuseBroken(reason: string): boolean {
    this.#refuse(new GatewayError('upstream_protocol', { details: { reason } }))
    return true
  }

  #endJson(): void {
    const head = this.#head
    if (!head) return
    const [first] = this.#chunks
    if (first === undefined) return this.#handlers.empty(head)
    const whole = this.#chunks.length === 1 ? toBuffer(first) : Buffer.concat(this.#chunks)
    this.#handlers.json(head, whole)
  }

  fail(error: GatewayError): void {
    const mode = this.#mode
    if (mode === 'refused' || mode === 'done') return
    this.#mode = 'done'
    if (mode === 'passing') this.#passing?.sink.destroy()
    if (mode === 'events' && error.code === 'upstream_closed') this.#handlers.streamEnded(this.#retryMs)
    else this.#handlers.failed(error, this.#head)
  }

  #refuse(error: GatewayError): void {
    if (this.#mode === 'refused' || this.#mode === 'done') return
    if (this.#mode === 'passing') this.#passing?.sink.destroy()
    this.#mode = 'refused'
    this.#chunks = []
    this.#events = undefined
    this.exchange?.abort()
    this.#handlers.failed(error, this.#head)
  }
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Statuses that speak of the gateway, not of the message. Their bodies are never read: they may echo our credential. */
function refusalOf(head: WireHead, sent: readonly string[]): GatewayError | null {
  const { status } = head
  if (status >= 300 && status < 400) return new GatewayError('upstream_redirected', { details: { status } })
  if (status === 401 || status === 403 || status === 407)
    return new UpstreamRefused({ status, sent, challenge: head.header('www-authenticate') ?? null })
  if (status === 429) return new GatewayError('upstream_rate_limited', { details: { status } })
  return status >= 500 ? new GatewayError('upstream_unreachable', { details: { status } }) : null
}

function strangeAnswer(head: WireHead): GatewayError {
  const { status } = head
  return status >= 400
    ? new GatewayError('upstream_unreachable', { details: { status } })
    : new GatewayError('upstream_protocol', { details: { status, reason: 'neither JSON nor an event stream' } })
}
