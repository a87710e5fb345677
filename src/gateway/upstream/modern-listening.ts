/**
 * What the gateway listens to at a modern upstream (2026-07-28, subscriptions/listen): list changes, and the resources and tasks that
 * clients watch.
 * A changed wish is a new subscription; those before it go on until the new one speaks, so that nothing is missed.
 */
import { GatewayError } from '#contract/errors.ts'
import type { Clock } from '#core/clock.ts'
import {
  isJsonObject,
  isNotification,
  isResponse,
  toOutcome,
  toRpcError,
  type JsonObject,
  type Outcome,
  type RpcNotification,
} from '#core/protocol/json-rpc.ts'
import { declaresTasksExtension } from '#core/protocol/tasks.ts'
import { UpstreamRefused } from '#core/upstream/upstream-refused.ts'
import { notMcp } from './answer.ts'

export type ModernListeningDeps = {
  clock: Clock
  /** How long an acknowledgement is waited for, in milliseconds. */
  timeoutMs: number
  /** What the upstream declares. */
  capabilities: JsonObject
  /** Sends `subscriptions/listen`. What comes of it is told to `receive` and `lost`; the returned function ends it. */
  open(id: string, notifications: JsonObject): () => void
  heard(note: RpcNotification): void
  /** Whether it makes sense to subscribe again after this failure. By default it does. */
  isReady?: (failure: GatewayError) => Promise<boolean>
}

/** `agreed`: the resources that its acknowledgement names; null before that. */
type Subscription = { id: string; wish: readonly string[]; agreed: ReadonlySet<unknown> | null; close: () => void }
type Waiter = (answer: Outcome | GatewayError) => void

const relistenMsMin = 1_000
const relistenMsMax = 60_000
/** Subscriptions at once that are not acknowledged yet. */
const silentMax = 4
const acknowledgement = 'notifications/subscriptions/acknowledged'

export class ModernListening {
  readonly #deps: ModernListeningDeps
  /** The list changes that the upstream can tell of. */
  readonly #changes: JsonObject
  readonly #canWatch: boolean
  readonly #hasTasks: boolean
  #wish: readonly string[] | undefined
  #tasks: readonly string[] = []
  /** Oldest first. */
  #subscriptions: Subscription[] = []
  /** By resource, who waits to learn whether the upstream watches it. */
  readonly #waiting = new Map<string, Set<Waiter>>()
  #nextId = 1
  #cancelRelisten: (() => void) | undefined
  #relistenMs = relistenMsMin
  #hasEnded = false

  constructor(deps: ModernListeningDeps) {
    this.#deps = deps
    this.#changes = changesOf(deps.capabilities)
    this.#canWatch = declares(deps.capabilities, 'resources', 'subscribe')
    this.#hasTasks = declaresTasksExtension(deps.capabilities)
  }

  /** Replaces what was wished before. */
  set(resources: readonly string[], taskIds: readonly string[] = []): void {
    const wish = this.#canWatch ? resources : []
    const tasks = this.#hasTasks ? taskIds : []
    if (this.#hasEnded || (this.#wish && isSameList(this.#wish, wish) && isSameList(this.#tasks, tasks))) return
    this.#wish = wish
    this.#tasks = tasks
    this.#start()
  }

  /**
   * The upstream's answer to a wish, which is its acknowledgement: at once where it has agreed already.
   * @throws GatewayError why there is no answer; `request_cancelled` where the resource is not wished
   */
  async subscribe(uri: string): Promise<Outcome> {
    if (this.#hasEnded) throw new GatewayError('upstream_closed')
    if (!this.#wish?.includes(uri)) throw new GatewayError('request_cancelled')
    if (this.#subscriptions.some(({ agreed }) => agreed?.has(uri))) return { result: {} }
    const newest = this.#newest
    const isAsked = newest?.agreed === null && newest.wish.includes(uri)
    // Its last word was a no, or it cannot be heard for now: a client that asks has it asked anew.
    if (!isAsked) this.#start()
    return this.#answerFor(uri)
  }

  #answerFor(uri: string): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const { clock, timeoutMs } = this.#deps
      const waiters = this.#waiting.get(uri) ?? new Set()
      const cancelTimer = clock.after(timeoutMs, () => waiter(new GatewayError('upstream_timeout')))
      const waiter: Waiter = (answer) => {
        cancelTimer()
        waiters.delete(waiter)
        if (waiters.size === 0) this.#waiting.delete(uri)
        if (answer instanceof GatewayError) reject(answer)
        else resolve(answer)
      }
      this.#waiting.set(uri, waiters.add(waiter))
    })
  }

  /** A message of the subscription; null for what is none. */
  receive(id: string, message: JsonObject | null): void {
    const own = this.#find(id)
    if (!own) return
    if (isResponse(message)) return message.id === id ? this.#onResponse(own, toOutcome(message)) : undefined
    this.#relistenMs = relistenMsMin
    this.#endOlderThan(own)
    if (!isNotification(message)) return
    if (message.method === acknowledgement) this.#onAcknowledged(own, message)
    else this.#deps.heard(message)
  }

  /** A result is the orderly end of a subscription; an error says that there is none, now or later. */
  #onResponse(own: Subscription, outcome: Outcome | undefined): void {
    if (!outcome || 'result' in outcome) return this.lost(own.id, new GatewayError('upstream_closed'))
    if (this.#forget(own)) this.#settle(own.wish, () => outcome)
  }

  #onAcknowledged(own: Subscription, { params }: RpcNotification): void {
    const honoured = params?.['notifications']
    const uris = isJsonObject(honoured) ? honoured['resourceSubscriptions'] : undefined
    const agreed = new Set<unknown>(Array.isArray(uris) ? uris : [])
    own.agreed = agreed
    this.#settle(own.wish, (uri) => (agreed.has(uri) ? { result: {} } : refusalOf(uri)))
  }

  /** The subscription has ended without an answer. It is made anew where the same request may fare better later. */
  lost(id: string, error: GatewayError): void {
    const own = this.#find(id)
    if (!own || !this.#forget(own)) return
    this.#settle(own.wish, () => error)
    if (error.isRetryable || error instanceof UpstreamRefused) this.#relisten(error)
  }

  #relisten(failure: GatewayError): void {
    this.#cancelRelisten = this.#deps.clock.after(this.#relistenMs, () => void this.#startAgain(failure))
    this.#relistenMs = Math.min(this.#relistenMs * 2, relistenMsMax)
  }

  async #startAgain(failure: GatewayError): Promise<void> {
    const { isReady } = this.#deps
    const newestId = this.#nextId
    const canStart = isReady ? await isReady(failure) : true
    // A wish that has changed meanwhile has been sent.
    if (this.#hasEnded || newestId !== this.#nextId) return
    if (canStart) this.#start()
    else this.#relisten(failure)
  }

  /** @param error what those are told who wait */
  end(error: GatewayError): void {
    this.#hasEnded = true
    this.#cancelRelisten?.()
    this.#closeAll()
    this.#settle([...this.#waiting.keys()], () => error)
  }

  #start(): void {
    this.#cancelRelisten?.()
    const wish = this.#wish ?? []
    const notifications = {
      ...this.#changes,
      ...(wish.length === 0 ? {} : { resourceSubscriptions: wish }),
      ...(this.#tasks.length === 0 ? {} : { taskIds: this.#tasks }),
    }
    if (Object.keys(notifications).length === 0) return this.#closeAll()
    const own: Subscription = { id: `listen-${this.#nextId++}`, wish, agreed: null, close: () => undefined }
    this.#subscriptions.push(own)
    own.close = this.#deps.open(own.id, notifications)
    this.#endSilent()
  }

  /** Of those that have said nothing yet, and that newer ones have taken the place of, a few go on: the rest would only be a burden. */
  #endSilent(): void {
    const silent = this.#subscriptions.filter(({ agreed }) => agreed === null)
    for (const own of silent.slice(0, -silentMax)) {
      own.close()
      this.#forget(own)
    }
  }

  #closeAll(): void {
    for (const { close } of this.#subscriptions) close()
    this.#subscriptions = []
  }

  get #newest(): Subscription | undefined {
    return this.#subscriptions.at(-1)
  }

  #find(id: string): Subscription | undefined {
    return this.#subscriptions.find((subscription) => subscription.id === id)
  }

  /** @returns whether it was the newest, which alone speaks of what is wished now */
  #forget(own: Subscription): boolean {
    const isNewest = this.#newest === own
    this.#subscriptions = this.#subscriptions.filter((subscription) => subscription !== own)
    return isNewest
  }

  #endOlderThan(own: Subscription): void {
    const at = this.#subscriptions.indexOf(own)
    for (const { close } of this.#subscriptions.slice(0, at)) close()
    this.#subscriptions = this.#subscriptions.slice(at)
  }

  #settle(uris: readonly string[], answerTo: (uri: string) => Outcome | GatewayError): void {
    for (const uri of uris) for (const waiter of this.#waiting.get(uri) ?? []) waiter(answerTo(uri))
  }
}

/** Why a body is no listening at all. */
export const noSubscription = (): GatewayError => notMcp('subscriptions/listen was not answered')

const uriCharsMax = 2_048

function refusalOf(uri: string): Outcome {
  const details = { uri: uri.slice(0, uriCharsMax), reason: 'the server does not watch it' }
  return { error: toRpcError(new GatewayError('resource_not_found', { details })) }
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one.join('\n') === other.join('\n')
}

function changesOf(capabilities: JsonObject): JsonObject {
  const changes: JsonObject = {}
  for (const kind of ['tools', 'prompts', 'resources'] as const)
    if (declares(capabilities, kind, 'listChanged')) changes[`${kind}ListChanged`] = true
  return changes
}

function declares(capabilities: JsonObject, kind: string, member: string): boolean {
  const declared = capabilities[kind]
  return isJsonObject(declared) && declared[member] === true
}
