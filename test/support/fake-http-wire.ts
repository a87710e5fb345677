/** HTTP to an upstream that a test plays by hand, or by a script. */
import type { GatewayError } from '#contract/errors.ts'
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'
import type { HttpWire, WireAnswer, WireExchange, WireRequest } from '#core/upstream/http-wire.ts'

export class FakeExchange implements WireExchange {
  readonly request: WireRequest
  /** The body that was sent, parsed; an empty object where there is none. */
  readonly body: JsonObject
  isAborted = false
  isPaused = false
  #isOver = false
  readonly #answer: WireAnswer

  constructor(request: WireRequest, answer: WireAnswer) {
    this.request = request
    this.#answer = answer
    const parsed: unknown = request.body === undefined ? {} : JSON.parse(String(request.body))
    this.body = isJsonObject(parsed) ? parsed : {}
  }

  resume(): void {
    this.isPaused = false
  }

  abort(): void {
    this.isAborted = true
  }

  /** A request header, by its lower-case name. */
  header(name: string): string | undefined {
    const at = this.request.headers.findIndex((text, index) => index % 2 === 0 && text === name)
    return at === -1 ? undefined : this.request.headers[at + 1]
  }

  head(status: number, headers: Readonly<Record<string, string>> = {}): void {
    this.#tell(() => this.#answer.head({ status, header: (name) => headers[name] }))
  }

  chunk(bytes: string | Uint8Array): void {
    this.#tell(() => {
      if (!this.#answer.chunk(typeof bytes === 'string' ? Buffer.from(bytes) : bytes)) this.isPaused = true
    })
  }

  end(): void {
    this.#tell(() => {
      this.#isOver = true
      this.#answer.end()
    })
  }

  fail(error: GatewayError): void {
    this.#tell(() => {
      this.#isOver = true
      this.#answer.fail(error)
    })
  }

  /** A whole JSON answer. */
  json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): void {
    this.head(status, { 'content-type': 'application/json', ...headers })
    this.chunk(typeof value === 'string' ? value : JSON.stringify(value))
    this.end()
  }

  /** The JSON-RPC result of this request. */
  result(result: JsonObject, headers: Readonly<Record<string, string>> = {}): void {
    this.json({ jsonrpc: '2.0', id: this.body['id'], result }, 200, headers)
  }

  /** An answer without a body. */
  empty(status: number, headers: Readonly<Record<string, string>> = {}): void {
    this.head(status, { 'content-length': '0', ...headers })
    this.end()
  }

  openStream(headers: Readonly<Record<string, string>> = {}): void {
    this.head(200, { 'content-type': 'text/event-stream', ...headers })
  }

  event(message: unknown, id?: string): void {
    const data = typeof message === 'string' ? message : JSON.stringify(message)
    this.chunk(`${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`)
  }

  /** Nothing is told of an exchange that was dropped, or after its end. */
  #tell(what: () => void): void {
    if (!this.isAborted && !this.#isOver) what()
  }
}

export class FakeHttpWire implements HttpWire {
  readonly exchanges: FakeExchange[] = []
  isClosed = false
  /** Gets each request, in a later turn than it was sent in. */
  script: (exchange: FakeExchange) => void

  constructor(script: (exchange: FakeExchange) => void = () => undefined) {
    this.script = script
  }

  send(request: WireRequest, answer: WireAnswer): WireExchange {
    const exchange = new FakeExchange(request, answer)
    this.exchanges.push(exchange)
    queueMicrotask(() => {
      if (!exchange.isAborted) this.script(exchange)
    })
    return exchange
  }

  async close(): Promise<void> {
    this.isClosed = true
  }

  /** What was sent with this JSON-RPC method, the latest last. */
  of(method: string): FakeExchange[] {
    return this.exchanges.filter(({ body }) => body['method'] === method)
  }

  /** The latest request of a JSON-RPC method, or of an HTTP method. */
  last(method: string): FakeExchange {
    const exchange = this.exchanges.findLast(
      ({ body, request }) => body['method'] === method || request.method === method,
    )
    if (!exchange) throw new Error(`nothing was sent with ${method}`)
    return exchange
  }
}

type Answers = Readonly<Record<string, (exchange: FakeExchange) => void>>

/** A legacy server with a session and without a GET stream. */
export function legacyHttpScript(capabilities: JsonObject, answers: Answers = {}): (exchange: FakeExchange) => void {
  return (exchange) => {
    const { body, request } = exchange
    const answer = answers[typeof body['method'] === 'string' ? body['method'] : request.method]
    if (answer) return answer(exchange)
    if (request.method === 'GET') return exchange.empty(405)
    if (request.method === 'DELETE') return exchange.empty(200)
    if (body['method'] !== 'initialize') return body['id'] === undefined ? exchange.empty(202) : undefined
    const serverInfo = { name: 'fake', version: '1' }
    exchange.result({ protocolVersion: '2025-11-25', capabilities, serverInfo }, { 'mcp-session-id': 'up-1' })
  }
}
