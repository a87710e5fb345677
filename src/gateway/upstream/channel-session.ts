/**
 * A session over a two-way channel (stdio, WebSocket, HTTP+SSE), of either era. All calls share the channel, so ids and progress tokens
 * are the gateway's own, and what belongs to no call is told apart by the call it can only be meant for.
 */
import { GatewayError } from '#contract/errors.ts'
import type { Clock } from '#core/clock.ts'
import { withEnvelope } from '#core/protocol/envelope.ts'
import {
  isNotification,
  isRequest,
  isRequestId,
  isResponse,
  toOutcome,
  type JsonObject,
  type Outcome,
  type RequestId,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
} from '#core/protocol/json-rpc.ts'
import { isLegacyRevision, newestLegacyRevision } from '#core/protocol/revisions.ts'
import type { Channel, ChannelEnd, ChannelWire } from '#core/upstream/channel-wire.ts'
import { notMcp } from './answer.ts'
import { readDiscoverResult } from './discover.ts'
import { readInitializeResult } from './initialize.ts'
import { dispatchOutsideNote } from './outside-notes.ts'
import { forCaller, progressTokenOf, withProgressToken } from './progress-tokens.ts'
import { ResourceSubscriptions } from './resource-subscriptions.ts'
import type {
  Answer,
  CallHooks,
  SessionEvents,
  UpstreamCall,
  UpstreamFacts,
  UpstreamSession,
} from './upstream-session.ts'

export type ChannelSessionOptions = {
  wire: ChannelWire
  clock: Clock
  headers: readonly string[]
  clientInfo: JsonObject
  clientCapabilities: JsonObject
  /** What to speak; `auto` asks with `server/discover` first. */
  protocol: 'auto' | 'legacy' | 'modern'
  timeoutMs: number
  timeoutTotalMs: number
  openTimeoutMs: number
  events: SessionEvents
}

/** @throws GatewayError when the channel cannot be opened or the peer is no MCP server */
export async function openChannelSession(options: ChannelSessionOptions): Promise<UpstreamSession> {
  const session = new ChannelSession(options)
  await session.open()
  return session
}

/** A server that dies of, or never answers, a request before `initialize` is legacy; it is not waited for longer than this. */
const probeMs = 2_000
const subscriptionId = 'listen'

type Pending = {
  hooks: CallHooks | null
  callerToken: unknown
  /** Pushes the silence deadline out: the upstream has shown a sign of life. */
  touch(): void
  settle(answer: Outcome | GatewayError): void
}

class ChannelSession implements UpstreamSession {
  facts: UpstreamFacts = {
    era: 'legacy',
    revision: newestLegacyRevision,
    capabilities: {},
    serverInfo: {},
    instructions: undefined,
  }
  isOpen = false
  lastUsedAt: number
  readonly #options: ChannelSessionOptions
  #channel: Channel | undefined
  #hasEnded = false
  #nextId = 1
  readonly #pending = new Map<RequestId, Pending>()
  readonly #subscriptions = new ResourceSubscriptions((method, uri) => this.#ask(method, { uri }))

  constructor(options: ChannelSessionOptions) {
    this.#options = options
    this.lastUsedAt = options.clock.now()
  }

  get callsUnderWay(): number {
    return this.#pending.size
  }

  async open(): Promise<void> {
    try {
      if (!(await this.#tryModern())) await this.#openLegacy()
      this.isOpen = !this.#hasEnded
      if (this.#hasEnded) throw new GatewayError('upstream_closed')
    } catch (error) {
      this.#hasEnded = true
      await this.#channel?.close()
      throw error
    }
  }

  async #connect(): Promise<void> {
    this.#hasEnded = false
    const { wire, headers, clock, openTimeoutMs } = this.#options
    const controller = new AbortController()
    const cancelTimer = clock.after(openTimeoutMs, () => controller.abort(new GatewayError('upstream_timeout')))
    const events = {
      message: (message: unknown) => this.#onMessage(message),
      closed: (end: ChannelEnd) => this.#onClosed(end),
    }
    try {
      this.#channel = await wire.open({ headers, events, signal: controller.signal })
    } finally {
      cancelTimer()
    }
  }

  async #tryModern(): Promise<boolean> {
    const { protocol, clientInfo: info, clientCapabilities: capabilities } = this.#options
    await this.#connect()
    if (protocol === 'legacy') return false
    const params = withEnvelope({}, { capabilities, info, logLevel: undefined })
    const outcome = await this.#ask('server/discover', params, protocol === 'auto' ? probeMs : undefined).catch(
      () => null,
    )
    const facts = outcome && readDiscoverResult(outcome)
    if (facts) {
      this.facts = facts
      this.#listenModern([])
      return true
    }
    if (protocol === 'modern') throw notMcp('server/discover was not answered')
    // Some servers end at the first request that is not initialize.
    if (this.#hasEnded || outcome === null) {
      await this.#channel?.close()
      await this.#connect()
    }
    return false
  }

  async #openLegacy(): Promise<void> {
    const { clientInfo, clientCapabilities: capabilities, openTimeoutMs } = this.#options
    const params = { protocolVersion: newestLegacyRevision, capabilities, clientInfo }
    const facts = readInitializeResult(await this.#ask('initialize', params, openTimeoutMs))
    if (!isLegacyRevision(facts.revision)) throw notMcp('unknown protocol version')
    this.facts = facts
    this.notify('notifications/initialized')
  }

  call(call: UpstreamCall, hooks: CallHooks): Promise<Answer> {
    const callerToken = progressTokenOf(call.params)
    const id = this.#nextId++
    const params = callerToken === undefined ? call.params : withProgressToken(call.params, id)
    return this.#request({ id, method: call.method, params, hooks, callerToken })
  }

  notify(method: string, params?: JsonObject): void {
    this.#send(params === undefined ? { jsonrpc: '2.0', method } : { jsonrpc: '2.0', method, params })
  }

  listen(wish: { resources: readonly string[] }): void {
    if (this.facts.era === 'legacy') this.#subscriptions.set(wish.resources)
    else this.#listenModern(wish.resources)
  }

  async close(): Promise<void> {
    if (this.#hasEnded) return
    this.#end(new GatewayError('upstream_closed'), null)
    await this.#channel?.close()
  }

  #ask(method: string, params: JsonObject, timeoutMs?: number): Promise<Outcome> {
    return this.#request({ id: this.#nextId++, method, params, hooks: null, callerToken: undefined, timeoutMs })
  }

  #request(request: {
    id: number
    method: string
    params: JsonObject | undefined
    hooks: CallHooks | null
    callerToken: unknown
    timeoutMs?: number | undefined
  }): Promise<Outcome> {
    const { id, method, params, hooks, callerToken } = request
    if (this.#hasEnded) return Promise.reject(new GatewayError('upstream_closed'))
    const { clock, timeoutTotalMs } = this.#options
    const silenceMs = request.timeoutMs ?? this.#options.timeoutMs
    this.lastUsedAt = clock.now()
    return new Promise((resolve, reject) => {
      const expire = (): void => this.#giveUp(id, new GatewayError('upstream_timeout'))
      let cancelSilence = clock.after(silenceMs, expire)
      const cancelTotal = clock.after(Math.max(timeoutTotalMs, silenceMs), expire)
      let forgetCancel = (): void => undefined
      this.#pending.set(id, {
        hooks,
        callerToken,
        touch: () => {
          cancelSilence()
          cancelSilence = clock.after(silenceMs, expire)
        },
        settle: (answer) => {
          this.#pending.delete(id)
          this.lastUsedAt = clock.now()
          cancelSilence()
          cancelTotal()
          forgetCancel()
          if (answer instanceof GatewayError) reject(answer)
          else resolve(answer)
        },
      })
      this.#send({ jsonrpc: '2.0', id, method, params })
      forgetCancel =
        hooks?.cancellation.onCancel(() => this.#giveUp(id, new GatewayError('request_cancelled'))) ?? forgetCancel
    })
  }

  #giveUp(id: RequestId, error: GatewayError): void {
    const pending = this.#pending.get(id)
    if (!pending) return
    // initialize must not be cancelled (2025-11-25, basic/utilities/cancellation).
    if (pending.hooks) this.notify('notifications/cancelled', { requestId: id, reason: error.code })
    pending.settle(error)
  }

  #send(message: JsonObject): void {
    this.#channel?.send(JSON.stringify(message)).catch((error: unknown) => {
      const id = message['id']
      const failure = error instanceof GatewayError ? error : new GatewayError('upstream_closed', { cause: error })
      if (isRequestId(id)) this.#pending.get(id)?.settle(failure)
    })
  }

  #onMessage(message: unknown): void {
    // Batches: 2025-03-26 servers may send them.
    if (Array.isArray(message)) return message.slice(0, 1000).forEach((part) => this.#onMessage(part))
    if (isResponse(message)) this.#onResponse(message)
    else if (isNotification(message)) this.#onNote(message)
    else if (isRequest(message)) void this.#onQuestion(message)
  }

  #onResponse(message: RpcResponse): void {
    const pending = message.id === null ? undefined : this.#pending.get(message.id)
    pending?.settle(toOutcome(message) ?? notMcp('no result'))
  }

  #onNote(note: RpcNotification): void {
    if (note.method === 'notifications/progress') {
      const token = note.params?.['progressToken']
      const pending = isRequestId(token) ? this.#pending.get(token) : undefined
      pending?.touch()
      pending?.hooks?.notify(forCaller(note, pending.callerToken))
      return
    }
    const only = note.method === 'notifications/message' ? this.#onlyCall() : null
    if (only) only.notify(note)
    else dispatchOutsideNote(note, this.#options.events)
  }

  async #onQuestion({ id, method, params }: RpcRequest): Promise<void> {
    const question = { method, params }
    if (method === 'ping') return this.#send({ jsonrpc: '2.0', id, result: {} })
    const only = this.#onlyCall()
    const outcome = await (only ? only.ask(question) : this.#options.events.asked(question))
    this.#send({ jsonrpc: '2.0', id, ...outcome })
  }

  /** A channel does not say which call a message belongs to. It is certain only when one call is under way. */
  #onlyCall(): CallHooks | null {
    const calls = [...this.#pending.values()].filter((pending) => pending.hooks !== null)
    return calls.length === 1 ? (calls[0]?.hooks ?? null) : null
  }

  #listenModern(resources: readonly string[]): void {
    const { clientInfo: info, clientCapabilities: capabilities } = this.#options
    this.#send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: subscriptionId } })
    const filter = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true }
    const notifications = resources.length === 0 ? filter : { ...filter, resourceSubscriptions: resources }
    const params = withEnvelope({ notifications }, { capabilities, info, logLevel: undefined })
    this.#send({ jsonrpc: '2.0', id: subscriptionId, method: 'subscriptions/listen', params })
  }

  #onClosed(end: ChannelEnd): void {
    const code = end.kind === 'garbage' ? 'upstream_protocol' : 'upstream_closed'
    const error = new GatewayError(code, { details: { reason: end.text } })
    this.#end(error, error)
  }

  #end(toCalls: GatewayError, toOwner: GatewayError | null): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    for (const pending of this.#pending.values()) pending.settle(toCalls)
    if (!this.isOpen) return
    this.isOpen = false
    this.#options.events.ended(toOwner)
  }
}
