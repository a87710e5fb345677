/**
 * A session over a two-way channel (stdio, WebSocket, HTTP+SSE), of either era. All calls share the channel, so ids and progress tokens
 * are the gateway's own, and what belongs to no call is told apart by the call it can only be meant for.
 */
import { GatewayError } from '#contract/errors.ts'
import { bridgedCapabilities } from '#core/protocol/capabilities.ts'
import { metaOf, subscriptionIdKey, withEnvelope } from '#core/protocol/envelope.ts'
import {
  isJsonObject,
  isNotification,
  isRequest,
  isResponse,
  toOutcome,
  type JsonObject,
  type Outcome,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
} from '#core/protocol/json-rpc.ts'
import { isLegacyRevision, newestLegacyRevision } from '#core/protocol/revisions.ts'
import { isTaskStatus, taskNamedIn, withTasksExtension } from '#core/protocol/tasks.ts'
import type { Cancellation } from '#core/upstream/cancellation.ts'
import type { Channel, ChannelEnd, ChannelWire } from '#core/upstream/channel-wire.ts'
import { notMcp } from './answer.ts'
import { answerQuestion } from './answer-question.ts'
import { isAboutTask, isPatient } from './begun-tasks.ts'
import { ChannelRequests, type ChannelRequest } from './channel-requests.ts'
import { readDiscoverResult } from './discover.ts'
import { readInitializeResult } from './initialize.ts'
import { ModernListening } from './modern-listening.ts'
import { dispatchOutsideNote } from './outside-notes.ts'
import { forCaller, progressTokenOf, withProgressToken } from './progress-tokens.ts'
import { ResourceSubscriptions } from './resource-subscriptions.ts'
import type {
  Answer,
  CallHooks,
  SessionOptions,
  UpstreamCall,
  UpstreamFacts,
  UpstreamSession,
  Wished,
} from './upstream-session.ts'

export type ChannelSessionOptions = SessionOptions & {
  wire: ChannelWire
  /** What to speak; `auto` asks with `server/discover` first. */
  protocol: 'auto' | 'legacy' | 'modern'
  openTimeoutMs: number
}

/**
 * @param cancellation gives the opening up: it fails with `upstream_closed`
 * @throws GatewayError when the channel cannot be opened or the peer is no MCP server
 */
export async function openChannelSession(
  options: ChannelSessionOptions,
  cancellation: Cancellation,
): Promise<UpstreamSession> {
  const session = new ChannelSession(options)
  await session.open(cancellation)
  return session
}

/** How long the answer to a request before `initialize` is waited for. */
const probeMs = 2_000
const batchMessagesMax = 1_000

/** `silent`: it has said nothing, and may be slow to start, or hang at a request that it does not know. */
type Probed = 'modern' | 'legacy' | 'silent'

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
  readonly #requests: ChannelRequests
  #channel: Channel | undefined
  #connecting: AbortController | undefined
  #connections = 0
  #isAbandoned = false
  #hasEnded = false
  /** Of a modern server. */
  #listening: ModernListening | undefined
  readonly #subscriptions = new ResourceSubscriptions((method, uri) => this.#ask(method, { uri }))

  constructor(options: ChannelSessionOptions) {
    const { clock, timeoutTotalMs } = options
    this.#options = options
    this.#requests = new ChannelRequests({ clock, timeoutTotalMs, send: (...sent) => this.#send(...sent) })
    this.lastUsedAt = clock.now()
  }

  get callsUnderWay(): number {
    return this.#requests.size
  }

  async open(cancellation: Cancellation): Promise<void> {
    const forgetCancel = cancellation.onCancel(() => this.#abandon())
    try {
      await this.#connect()
      const probed = await this.#probe()
      if (probed !== 'modern') await this.#openLegacy(probed)
      if (this.#hasEnded) throw new GatewayError('upstream_closed')
      this.isOpen = true
    } catch (error) {
      this.#hasEnded = true
      await this.#channel?.close()
      throw this.#isAbandoned ? new GatewayError('upstream_closed') : error
    } finally {
      forgetCancel()
    }
  }

  #abandon(): void {
    const error = new GatewayError('upstream_closed')
    this.#isAbandoned = true
    this.#connecting?.abort(error)
    this.#end(error, null)
  }

  async #connect(): Promise<void> {
    if (this.#isAbandoned) throw new GatewayError('upstream_closed')
    const { wire, lease, clock, openTimeoutMs } = this.#options
    const connecting = new AbortController()
    const connection = ++this.#connections
    const cancelTimer = clock.after(openTimeoutMs, () => connecting.abort(new GatewayError('upstream_timeout')))
    // What a channel says after another one has taken its place means nothing.
    const isCurrent = (): boolean => this.#connections === connection
    const events = {
      message: (message: unknown) => {
        if (isCurrent()) this.#onMessage(message)
      },
      closed: (end: ChannelEnd) => {
        if (isCurrent()) this.#onClosed(end)
      },
    }
    this.#connecting = connecting
    this.#hasEnded = false
    try {
      this.#channel = await wire.open({ lease, events, signal: connecting.signal })
    } finally {
      cancelTimer()
      this.#connecting = undefined
    }
  }

  async #probe(): Promise<Probed> {
    const { protocol, timeoutMs } = this.#options
    if (protocol === 'legacy') return 'legacy'
    const asking = this.#ask('server/discover', this.#enveloped({}), protocol === 'auto' ? probeMs : timeoutMs)
    const outcome = await asking.catch(() => null)
    const facts = outcome && readDiscoverResult(outcome)
    if (facts) {
      this.facts = facts
      this.#listening = this.#createListening(facts)
      this.#listening.set([])
      return 'modern'
    }
    if (protocol === 'modern') throw notMcp('server/discover was not answered')
    // Some servers end at the first request that is not initialize.
    if (this.#hasEnded) await this.#connect()
    else if (outcome === null) return 'silent'
    return 'legacy'
  }

  /** A silent server is not ended in the middle of its start; only if it stays silent is it tried without the probe. */
  async #openLegacy(probed: Probed): Promise<void> {
    try {
      await this.#initialize()
    } catch (error) {
      const isHanging = probed === 'silent' && error instanceof GatewayError && error.code === 'upstream_timeout'
      if (!isHanging) throw error
      await this.#channel?.close()
      await this.#connect()
      await this.#initialize()
    }
  }

  async #initialize(): Promise<void> {
    const { clientInfo, clientCapabilities: capabilities, openTimeoutMs } = this.#options
    const params = { protocolVersion: newestLegacyRevision, capabilities, clientInfo }
    const facts = readInitializeResult(await this.#ask('initialize', params, openTimeoutMs))
    if (!isLegacyRevision(facts.revision)) throw notMcp('unknown protocol version')
    this.facts = facts
    this.notify('notifications/initialized')
  }

  call(call: UpstreamCall, hooks: CallHooks): Promise<Answer> {
    const callerToken = progressTokenOf(call.params)
    const token = this.#requests.nextId
    const params = callerToken === undefined ? call.params : withProgressToken(call.params, token)
    const { method, headers } = call
    const { timeoutMs, timeoutTotalMs } = this.#options
    const silenceMs = isPatient(method) ? timeoutTotalMs : timeoutMs
    const answer = this.#request({ method, params, headers, hooks, callerToken, timeoutMs: silenceMs })
    return isAboutTask(call) ? this.#requests.begun.follow(answer, call, { token, callerToken, hooks }) : answer
  }

  notify(method: string, params?: JsonObject): void {
    this.#send(params === undefined ? { jsonrpc: '2.0', method } : { jsonrpc: '2.0', method, params })
  }

  listen(wish: Wished): void {
    if (this.#listening) this.#listening.set(wish.resources, wish.tasks)
    else this.#subscriptions.set(wish.resources)
  }

  subscribe(uri: string): Promise<Outcome> {
    const watching = this.#listening ?? this.#subscriptions
    return watching.subscribe(uri)
  }

  async close(): Promise<void> {
    if (this.#hasEnded) return
    this.#end(new GatewayError('upstream_closed'), null)
    await this.#channel?.close()
  }

  #ask(method: string, params: JsonObject, timeoutMs = this.#options.timeoutMs): Promise<Outcome> {
    return this.#request({ method, params, hooks: null, callerToken: undefined, timeoutMs })
  }

  async #request(request: ChannelRequest): Promise<Outcome> {
    if (this.#hasEnded) throw new GatewayError('upstream_closed')
    const { clock } = this.#options
    this.lastUsedAt = clock.now()
    try {
      return await this.#requests.start(request)
    } finally {
      this.lastUsedAt = clock.now()
    }
  }

  #send(message: JsonObject, headers?: readonly string[]): void {
    void this.#deliver(message, headers)
  }

  /** Resolves when the channel has taken the message, or never will. */
  async #deliver(message: JsonObject, headers?: readonly string[]): Promise<void> {
    try {
      await this.#channel?.send(JSON.stringify(message), headers)
    } catch (error) {
      const failure = error instanceof GatewayError ? error : new GatewayError('upstream_closed', { cause: error })
      // An answer of ours has the upstream's id, which may be that of a request of ours as well.
      if ('method' in message) this.#requests.settle(message['id'], failure)
    }
  }

  #onMessage(message: unknown): void {
    // Batches: 2025-03-26 servers may send them.
    if (Array.isArray(message)) return message.slice(0, batchMessagesMax).forEach((part) => this.#onOne(part))
    this.#onOne(message)
  }

  #onOne(message: unknown): void {
    if (isResponse(message)) this.#onResponse(message)
    else if (isNotification(message)) this.#onNote(message)
    else if (isRequest(message)) void this.#onQuestion(message)
    else if (isJsonObject(message) && !('method' in message))
      this.#requests.settle(message['id'], notMcp('no response'))
  }

  #onResponse(message: RpcResponse): void {
    if (typeof message.id === 'string') this.#listening?.receive(message.id, message)
    else this.#requests.settle(message.id, toOutcome(message) ?? notMcp('no result'))
  }

  #onProgress(note: RpcNotification): void {
    const pending = this.#requests.find(note.params?.['progressToken'])
    pending?.touch()
    if (pending) pending.hooks?.notify(forCaller(note, pending.callerToken))
    else this.#requests.begun.progressed(note)
  }

  #onNote(note: RpcNotification): void {
    if (note.method === 'notifications/progress') return this.#onProgress(note)
    if (isTaskStatus(note)) this.#requests.begun.heard(note.params?.['taskId'], note.params)
    const subscription = this.#listening && metaOf(note.params)?.[subscriptionIdKey]
    if (typeof subscription === 'string') return this.#listening?.receive(subscription, note)
    const only = note.method === 'notifications/message' ? this.#callOf(note) : null
    if (only) only.notify(note)
    else dispatchOutsideNote(note, this.#options.events)
  }

  #onQuestion(request: RpcRequest): Promise<void> {
    const only = this.#callOf(request)
    return answerQuestion(request, {
      ask: (question) => this.#requests.whileAsked(only ? only.ask(question) : this.#options.events.asked(question)),
      say: (message) => this.#deliver(message),
    })
  }

  /** The call that a message can only belong to: what names a task belongs to no other's. */
  #callOf(message: RpcNotification | RpcRequest): CallHooks | null {
    const task = taskNamedIn(message)
    return task === undefined ? this.#requests.onlyCall : this.#requests.callOf(task)
  }

  #enveloped(params: JsonObject, capabilities = bridgedCapabilities(this.#options.clientCapabilities)): JsonObject {
    const { clientInfo: info } = this.#options
    return withEnvelope(params, { capabilities, info, logLevel: undefined })
  }

  #createListening({ capabilities }: UpstreamFacts): ModernListening {
    const { clock, timeoutMs, events } = this.#options
    return new ModernListening({
      clock,
      timeoutMs,
      capabilities,
      open: (id, notifications) => {
        const capabilities = bridgedCapabilities(this.#options.clientCapabilities)
        const declared = 'taskIds' in notifications ? withTasksExtension(capabilities) : capabilities
        const params = this.#enveloped({ notifications }, declared)
        this.#send({ jsonrpc: '2.0', id, method: 'subscriptions/listen', params })
        return () => this.notify('notifications/cancelled', { requestId: id })
      },
      heard: (note) => dispatchOutsideNote(note, events),
    })
  }

  #onClosed(end: ChannelEnd): void {
    const error = new GatewayError(codeOfEnd[end.kind], { details: { reason: end.text } })
    this.#end(error, error)
  }

  #end(toCalls: GatewayError, toOwner: GatewayError | null): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#subscriptions.end()
    this.#listening?.end(toCalls)
    this.#requests.settleAll(toCalls)
    if (!this.isOpen) return
    this.isOpen = false
    this.#options.events.ended(toOwner)
  }
}

const codeOfEnd = {
  closed: 'upstream_closed',
  lost: 'upstream_closed',
  garbage: 'upstream_protocol',
  too_large: 'upstream_too_large',
} as const
