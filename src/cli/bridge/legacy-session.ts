/**
 * The client's session with the gateway (2025-03-26 to 2025-11-25, transports): its id on every request, and a new one, set up
 * like the old one and unseen by the client, where the gateway has lost it.
 */
import { isJsonObject, isResponse, kindOf, toOutcome, type JsonObject, type RpcError } from '#core/protocol/json-rpc.ts'
import { refusedWith, unreachable } from './bridge-failure.ts'
import type { BridgePorts } from './bridge-ports.ts'
import { startExchange, type Exchange, type ExchangeEnd, type ExchangeHandlers } from './gateway-exchange.ts'
import { QuestionIds } from './question-ids.ts'
import { ServerStream } from './server-stream.ts'
import { SessionMemory } from './session-memory.ts'

/** Longest silence before an answer or within its stream; the gateway says something every 15 s or so while a call runs. */
const answerSilenceMs = 600_000
const openSilenceMs = 60_000
const noteSilenceMs = 10_000
const endSilenceMs = 1_000

/** The response, as it came, or why there is none. */
export type Opened = { text: string; response: JsonObject } | { error: RpcError }

export class LegacySession {
  /** Rises with each session; tells those who come late that theirs has already been replaced. */
  epoch = 0
  readonly questions = new QuestionIds()
  readonly memory = new SessionMemory()
  readonly #ports: BridgePorts
  readonly #stream: ServerStream
  #id: string | undefined
  #revision: string | undefined
  /** The client's own `initialize`. */
  #initialize: JsonObject | null = null
  #isInitialized = false
  /** The gateway has lost it, and there is no new one yet. */
  #isLost = false
  #renewing: Promise<RpcError | null> | null = null

  constructor(ports: BridgePorts) {
    this.#ports = ports
    this.#stream = new ServerStream({
      get: (eventId, handlers) => this.get(eventId, handlers),
      message: (text, message) => this.relay(text, message),
      lost: () => void this.renew(this.epoch),
    })
  }

  get isLost(): boolean {
    return this.#isLost
  }

  /** Whether a 404 means that the gateway has lost the session. */
  get canRenew(): boolean {
    return this.#initialize !== null && (this.#id !== undefined || this.#isLost)
  }

  post(text: string, handlers: ExchangeHandlers, silenceMsMax = answerSilenceMs): Exchange {
    const request = { method: 'POST' as const, headers: this.#headers(), body: text, silenceMsMax }
    return startExchange(this.#ports, request, handlers)
  }

  /** Takes up a stream, or opens the one for what belongs to no request. */
  get(eventId: string | null, handlers: ExchangeHandlers): Exchange {
    const headers = [...this.#headers(), ...(eventId === null ? [] : ['last-event-id', eventId])]
    return startExchange(this.#ports, { method: 'GET', headers, silenceMsMax: answerSilenceMs }, handlers)
  }

  /** A message that answers no request of the client's. */
  relay(text: string, message: unknown): void {
    if (kindOf(message) === 'invalid') this.#ports.tell('The gateway sent something that is no JSON-RPC message.')
    else this.#ports.output.write(this.questions.toClient(text, message))
  }

  /** Opens the session that the client asks for, in place of the one before. */
  async open(text: string, message: JsonObject): Promise<Opened> {
    await this.close()
    this.memory.forget()
    this.#initialize = message
    return this.#open(text, message)
  }

  /** Tells the gateway what has no answer. Resolves when it has taken it, with why it did not or null. */
  async say(text: string, message: JsonObject): Promise<RpcError | null> {
    const isNote = typeof message['method'] === 'string'
    const lost = this.#isLost && isNote ? await this.renew(this.epoch) : null
    if (lost) return lost
    const { epoch } = this
    let end = await this.#tell(text)
    // An answer to a question of a lost session is nobody's any more.
    if (end.kind === 'refused' && end.status === 404 && this.canRenew && isNote) {
      const failure = await this.renew(epoch)
      if (failure) return failure
      end = await this.#tell(text)
    }
    if (message['method'] === 'notifications/initialized') this.#beginListening()
    return failureOf(end)
  }

  /**
   * Replaces a session that the gateway has lost; one at a time, whoever notices.
   * @param epoch of the session that was seen to be lost
   * @returns why it could not be done, or null
   */
  renew(epoch: number): Promise<RpcError | null> {
    if (epoch !== this.epoch) return Promise.resolve(null)
    this.#renewing ??= this.#renew().finally(() => (this.#renewing = null))
    return this.#renewing
  }

  async close(): Promise<void> {
    this.#stream.close()
    const headers = this.#headers()
    const hadSession = this.#id !== undefined
    this.#id = undefined
    this.#revision = undefined
    this.#isInitialized = false
    this.#isLost = false
    if (!hadSession) return
    await new Promise<void>((resolve) => {
      const request = { method: 'DELETE' as const, headers, silenceMsMax: endSilenceMs }
      startExchange(this.#ports, request, { message: () => {}, ended: () => resolve() })
    })
  }

  #headers(): string[] {
    const { headers } = this.#ports
    const id = this.#id === undefined ? [] : ['mcp-session-id', this.#id]
    const revision = this.#revision === undefined ? [] : ['mcp-protocol-version', this.#revision]
    return ['content-type', 'application/json', 'accept', accepted, ...headers, ...id, ...revision]
  }

  #open(text: string, message: JsonObject): Promise<Opened> {
    return new Promise((resolve) => {
      let sessionId: string | undefined
      const handlers: ExchangeHandlers = {
        head: (head) => (sessionId = head.header('mcp-session-id')),
        message: (answer, response) => {
          if (!isResponse(response) || response.id !== message['id']) return this.relay(answer, response)
          if ('result' in response) this.#begin(sessionId, response.result)
          resolve({ text: answer, response })
        },
        // Only the first outcome counts.
        ended: (end) => resolve({ error: errorOf(end) }),
      }
      this.post(text, handlers, openSilenceMs)
    })
  }

  #begin(sessionId: string | undefined, result: JsonObject): void {
    const { protocolVersion } = result
    this.epoch++
    this.#isLost = false
    this.questions.startSession()
    this.#id = sessionId
    this.#revision = typeof protocolVersion === 'string' ? protocolVersion : undefined
  }

  #tell(text: string): Promise<ExchangeEnd> {
    return new Promise((resolve) => {
      const handlers: ExchangeHandlers = { message: (answer, message) => this.relay(answer, message), ended: resolve }
      this.post(text, handlers, noteSilenceMs)
    })
  }

  #beginListening(): void {
    this.#isInitialized = true
    this.#stream.open()
  }

  async #renew(): Promise<RpcError | null> {
    const wasInitialized = this.#isInitialized
    this.#isLost = true
    this.#stream.close()
    this.#id = undefined
    this.#revision = undefined
    const own = { ...this.#initialize, id: `toolgate-bridge-${this.epoch + 1}` }
    const opened = await this.#open(JSON.stringify(own), own)
    if ('error' in opened) return opened.error
    const outcome = toOutcome(opened.response)
    if (!outcome || 'error' in outcome) return outcome?.error ?? noResponse
    this.#ports.tell('The gateway had lost the session; a new one was opened.')
    if (!wasInitialized) return null
    await this.#tell(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }))
    await this.#restore()
    this.#beginListening()
    this.#tellChanges(outcome.result['capabilities'])
    return null
  }

  async #restore(): Promise<void> {
    for (const [index, request] of this.memory.requests().entries()) {
      const text = JSON.stringify({ ...request, id: `toolgate-bridge-${this.epoch}-${index}` })
      await new Promise<void>((resolve) => {
        this.post(text, { message: () => {}, ended: () => resolve() }, noteSilenceMs)
      })
    }
  }

  /** Nobody can know what changed while there was no session, so the client is asked to look again. */
  #tellChanges(capabilities: unknown): void {
    if (!isJsonObject(capabilities)) return
    for (const kind of ['tools', 'prompts', 'resources']) {
      const declared = capabilities[kind]
      if (!isJsonObject(declared) || declared['listChanged'] !== true) continue
      this.#ports.output.write(JSON.stringify({ jsonrpc: '2.0', method: `notifications/${kind}/list_changed` }))
    }
  }
}

const accepted = 'application/json, text/event-stream'

const noResponse = unreachable('its answer to initialize is no response')

function errorOf(end: ExchangeEnd): RpcError {
  return failureOf(end) ?? noResponse
}

function failureOf(end: ExchangeEnd): RpcError | null {
  if (end.kind === 'complete') return null
  return end.kind === 'refused' ? (end.error ?? refusedWith(end.status)) : unreachable(end.reason)
}
