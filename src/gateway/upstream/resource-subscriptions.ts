/**
 * Keeps a legacy upstream's subscriptions equal to what is wished. Of one resource nothing more is asked before the answer has come, so
 * that the last wish wins.
 */
import { GatewayError } from '#contract/errors.ts'
import type { Outcome } from '#core/protocol/json-rpc.ts'

export type SubscriptionMethod = 'resources/subscribe' | 'resources/unsubscribe'

/** `doubtful`: no answer came, so the upstream may watch or not. */
type Standing = 'held' | 'refused' | 'doubtful'

export class ResourceSubscriptions {
  readonly #send: (method: SubscriptionMethod, uri: string) => Promise<Outcome>
  /** What the upstream was asked to watch. One that refuses is asked again only when a client asks again. */
  readonly #standings = new Map<string, Standing>()
  readonly #underWay = new Map<string, { method: SubscriptionMethod; answer: Promise<Outcome> }>()
  #wished: ReadonlySet<string> = new Set()
  #isWorking = false
  #hasEnded = false

  /** @param send rejects with a GatewayError where no answer comes */
  constructor(send: (method: SubscriptionMethod, uri: string) => Promise<Outcome>) {
    this.#send = send
  }

  set(uris: readonly string[]): void {
    if (this.#hasEnded) return
    this.#wished = new Set(uris)
    void this.#work()
  }

  /**
   * The upstream's answer to a wish: at once where it holds the subscription already.
   * @throws GatewayError why there is no answer; `request_cancelled` where the resource is no longer wished
   */
  async subscribe(uri: string): Promise<Outcome> {
    for (let other = this.#underWay.get(uri); other; other = this.#underWay.get(uri)) {
      if (other.method === 'resources/subscribe') return other.answer
      await other.answer.catch(() => undefined)
    }
    if (this.#hasEnded) throw new GatewayError('upstream_closed')
    if (!this.#wished.has(uri)) throw new GatewayError('request_cancelled')
    return this.#standings.get(uri) === 'held' ? { result: {} } : this.#ask('resources/subscribe', uri)
  }

  /** The session is gone, and its subscriptions with it. */
  end(): void {
    this.#hasEnded = true
    this.#wished = new Set()
    this.#standings.clear()
  }

  /** One request at a time for what no client waits for: after a lost session all its resources are wished anew at once. */
  async #work(): Promise<void> {
    if (this.#isWorking) return
    this.#isWorking = true
    for (let step = this.#nextStep(); step; step = this.#nextStep()) {
      await this.#ask(step.method, step.uri).catch(() => undefined)
    }
    this.#isWorking = false
  }

  #nextStep(): { method: SubscriptionMethod; uri: string } | undefined {
    const isIdle = (uri: string): boolean => !this.#underWay.has(uri)
    for (const uri of this.#wished)
      if (!this.#standings.has(uri) && isIdle(uri)) return { method: 'resources/subscribe', uri }
    for (const [uri, standing] of this.#standings) {
      if (this.#wished.has(uri) || !isIdle(uri)) continue
      if (standing !== 'refused') return { method: 'resources/unsubscribe', uri }
      this.#standings.delete(uri)
    }
    return undefined
  }

  #ask(method: SubscriptionMethod, uri: string): Promise<Outcome> {
    const answer = this.#send(method, uri)
      .then(
        (outcome) => {
          this.#note(method, uri, 'error' in outcome ? 'refused' : 'held')
          return outcome
        },
        (error: unknown) => {
          this.#note(method, uri, 'doubtful')
          throw error
        },
      )
      .finally(() => {
        this.#underWay.delete(uri)
        void this.#work()
      })
    this.#underWay.set(uri, { method, answer })
    return answer
  }

  #note(method: SubscriptionMethod, uri: string, standing: Standing): void {
    if (this.#hasEnded) return
    // Whatever it answers, an upstream is not asked twice to let go.
    if (method === 'resources/unsubscribe') this.#standings.delete(uri)
    else this.#standings.set(uri, standing)
  }
}
