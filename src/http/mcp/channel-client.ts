/**
 * A client on a two-way channel of messages (WebSocket, HTTP+SSE). A legacy client opens its one session with `initialize`; on a WebSocket
 * modern requests, which carry their own envelope, may come as well.
 */
import { GatewayError, toGatewayError } from '#contract/errors.ts'
import { eraOfMessage } from '#core/protocol/classify.ts'
import { metaOf, readClientFacts } from '#core/protocol/envelope.ts'
import {
  isJsonObject,
  isNotification,
  isRequest,
  isRequestId,
  isResponse,
  toOutcome,
  toResponse,
  type RequestId,
  type RpcMessage,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
} from '#core/protocol/json-rpc.ts'
import { modernRevision, type Era } from '#core/protocol/revisions.ts'
import { scanRequest } from '#core/protocol/scan.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import type { ClientSession } from '#gateway/client/client-session.ts'
import { responseText } from '#gateway/upstream/answer.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'
import type { Located } from '#gateway/locate.ts'
import { toRpcFailure } from '#http/errors.ts'
import { checkBatch } from './batch.ts'
import type { Caller, EntranceDeps } from './entrance.ts'

/** One message, as it came. */
type Arrival = { requestId: string; /** Unix time in milliseconds. */ receivedAt: number }

export type ChannelClientOptions = Caller & {
  deps: EntranceDeps
  /** The Authorization header of the connection: its token is asked for again with every message. */
  authorization: string | undefined
  send(text: string): void
  /** The session has ended, or the token is no longer valid. */
  close(): void
}

export class ChannelClient {
  readonly #options: ChannelClientOptions
  #session: ClientSession | null = null
  #isOpening = false
  /** Requests of modern clients, which have no session to keep them. */
  readonly #running = new Map<RequestId, Cancellation>()
  #hasEnded = false

  constructor(options: ChannelClientOptions) {
    this.#options = options
  }

  receive(text: string): void {
    // What was still on its way when the connection ended has nobody to answer to.
    if (this.#hasEnded) return this.recordUnread(new GatewayError('request_cancelled'))
    const { deps } = this.#options
    const arrival = this.#arrive()
    try {
      const message: unknown = parse(text, deps.limits.requestDepthMax)
      if (Array.isArray(message)) this.#receiveBatch(message, arrival)
      else this.#receiveOne(message, arrival)
    } catch (error) {
      this.#refuse(error, { id: null }, arrival)
    }
  }

  /** Something came that is no text, or too much of one: the wire has answered it. */
  recordUnread(failure: GatewayError): void {
    this.#record(failure, '', this.#arrive())
  }

  #arrive(): Arrival {
    const { deps } = this.#options
    return { requestId: deps.nextRequestId(), receivedAt: deps.now() }
  }

  /** The connection is gone: everything that was on it ends. */
  end(): void {
    this.#hasEnded = true
    this.#session?.end()
    for (const cancellation of this.#running.values()) cancellation.cancel()
  }

  #receiveBatch(messages: unknown[], arrival: Arrival): void {
    const { batchMessagesMax } = this.#options.deps.limits
    checkBatch(messages, { revision: this.#session?.revision, batchMessagesMax })
    for (const message of messages) this.#receiveOne(message, arrival)
  }

  #receiveOne(message: unknown, arrival: Arrival): void {
    if (isRequest(message)) return this.#receiveRequest(message, arrival)
    if (isNotification(message)) return this.#receiveNotification(message)
    if (isResponse(message)) return this.#receiveResponse(message)
    const id = isJsonObject(message) ? message['id'] : null
    this.#refuse(new GatewayError('invalid_request'), { id: isRequestId(id) ? id : null }, arrival)
  }

  #receiveResponse(message: RpcResponse): void {
    const outcome = toOutcome(message)
    if (message.id !== null && outcome) this.#session?.answer(message.id, outcome)
  }

  #receiveRequest(message: RpcRequest, arrival: Arrival): void {
    try {
      const era = eraOfMessage(message, null)
      if (era === 'legacy' && message.method === 'initialize') return this.#open(message, arrival)
      if (era === 'legacy' && !this.#session)
        throw new GatewayError('session_required', { details: { reason: 'send initialize first' } })
      this.#call(message, era, arrival)
    } catch (error) {
      this.#refuse(error, message, arrival)
    }
  }

  #receiveNotification(note: RpcNotification): void {
    const cancelled = note.method === 'notifications/cancelled' ? note.params?.['requestId'] : undefined
    if (isRequestId(cancelled)) this.#running.get(cancelled)?.cancel()
    if (this.#session) this.#options.deps.gateway.notified(this.#session, note)
  }

  /** @throws GatewayError where nothing was opened, and nothing recorded yet */
  #open(message: RpcRequest, arrival: Arrival): void {
    if (this.#session || this.#isOpening)
      throw new GatewayError('invalid_request', { details: { reason: 'initialize was sent before' } })
    const opening = { ...this.#locate(), address: this.#options.address, ...arrival }
    this.#isOpening = true
    this.#options.deps.gateway
      .openSession(opening, message.params)
      .then(({ session, result }) => {
        if (this.#hasEnded) return session.end()
        this.#session = session
        session.setOutlet((outside) => this.#send(outside))
        session.onEnd(() => this.#options.close())
        this.#send(toResponse(message.id, { result }))
      })
      .catch((error: unknown) => this.#tellFailure(error, message.id, arrival))
      .finally(() => (this.#isOpening = false))
  }

  /** @throws GatewayError where there is no call yet, and nothing recorded */
  #call(message: RpcRequest, era: Era, { requestId, receivedAt }: Arrival): void {
    const session = era === 'legacy' ? this.#session : null
    const cancellation = new Cancellation()
    const { principal, endpoint } = this.#locate()
    const facts = session?.facts ?? readClientFacts(metaOf(message.params) ?? {})
    if (!session) this.#begin(message.id, cancellation)
    this.#options.deps.gateway
      .handle({
        principal,
        endpoint,
        address: this.#options.address,
        era,
        revision: session?.revision ?? modernRevision,
        facts,
        session,
        message,
        large: null,
        headers: null,
        reply: {
          notify: (note) => this.#send(note),
          ask: session && ((question, stop) => session.askThrough((outside) => this.#send(outside), question, stop)),
        },
        sink: null,
        cancellation,
        requestId,
        receivedAt,
      })
      .then((answer) => this.#answer(message.id, answer))
      .catch((error: unknown) => this.#tellFailure(error, message.id, { requestId }))
      .finally(() => {
        if (!session) this.#running.delete(message.id)
      })
  }

  #begin(id: RequestId, cancellation: Cancellation): void {
    const { callsPerSessionMax } = this.#options.deps.limits
    if (this.#running.size >= callsPerSessionMax)
      throw new GatewayError('rate_limited', { details: { callsPerSessionMax } })
    if (this.#running.has(id))
      throw new GatewayError('invalid_request', { details: { reason: 'a request of this id is under way' } })
    this.#running.set(id, cancellation)
  }

  /**
   * Who asks now, of what: a connection outlives many messages, and between two of them a token may be revoked, or bound elsewhere.
   * @throws GatewayError `unauthorized`, `forbidden`, which end the connection, or `server_not_found`
   */
  #locate(): Located {
    const { deps, authorization, address } = this.#options
    try {
      const { principal, endpoint } = deps.gateway.locate(deps.gateway.identify(authorization), address)
      return { principal, endpoint: this.#session?.endpoint ?? endpoint }
    } catch (error) {
      if (toGatewayError(error).code !== 'server_not_found') this.#options.close()
      throw error
    }
  }

  #answer(id: RequestId, answer: Answer): void {
    const text = responseText(id, answer)
    if (text !== null && !this.#hasEnded) this.#options.send(text)
  }

  #send(message: RpcMessage): void {
    if (!this.#hasEnded) this.#options.send(JSON.stringify(message))
  }

  /** What never became a call. */
  #refuse(error: unknown, message: { id: RequestId | null; method?: string }, arrival: Arrival): void {
    this.#record(toGatewayError(error), message.method ?? '', arrival)
    this.#tellFailure(error, message.id, arrival)
  }

  #record(failure: GatewayError, method: string, arrival: Arrival): void {
    const { deps, principal, endpoint, address } = this.#options
    const place = this.#session?.endpoint ?? endpoint
    deps.gateway.recordRefusal({ ...arrival, principal, address, endpoint: place.key, method }, failure)
  }

  #tellFailure(error: unknown, id: RequestId | null, { requestId }: Pick<Arrival, 'requestId'>): void {
    const failure = toGatewayError(error)
    if (failure.code === 'internal') this.#options.deps.onError(error, requestId)
    if (!this.#hasEnded) this.#options.send(JSON.stringify(toRpcFailure(id, failure, requestId)))
  }
}

function parse(text: string, depthMax: number): unknown {
  let message: unknown
  try {
    message = JSON.parse(text)
  } catch {
    throw new GatewayError('parse_error')
  }
  if (scanRequest(text, depthMax).isTooDeep)
    throw new GatewayError('body_too_deep', { details: { requestDepthMax: depthMax } })
  return message
}
