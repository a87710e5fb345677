/**
 * One replica asks another one, which holds what cannot be shared: a call that waits, a task, a stream. Whatever becomes of the other one or
 * of the bus, who asks gets an answer, a failure, or hears that there is nobody.
 */
import { GatewayError } from '#contract/errors.ts'
import type { Clock } from '#core/clock.ts'
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'
import type { Cancellation } from '#core/upstream/cancellation.ts'
import type { Bus } from './bus.ts'
import { FrameReader, type Frame } from './replica-frame.ts'
import { ReplicaLine } from './replica-line.ts'
import { readEnding, type ReplicaService } from './replica-service.ts'
import { ReplicaServing } from './replica-serving.ts'

export type ReplicaAsksOptions = {
  bus: Bus
  clock: Clock
  /** Of this replica, and of no other. */
  id: string
}

export type AskHooks = {
  cancellation: Cancellation
  /** What is said before the answer. */
  note?(note: JsonObject): void
  /** What who is asked wants to know before it answers. */
  question?(question: JsonObject): Promise<JsonObject>
}

type Asked = {
  id: string
  to: string
  hooks: AskHooks
  reader: FrameReader
  heardAt: number
  resolve(answer: JsonObject | null): void
  reject(error: unknown): void
}

const tickMs = 1_000
/** Who works on something says so every tick. After this silence it is asked whether it is there at all. */
const quietMs = 2_500
/** And after this one it is taken for gone, in milliseconds. */
const silentMs = 10_000

export class ReplicaAsks {
  readonly id: string
  readonly #clock: Clock
  readonly #line: ReplicaLine
  readonly #asked = new Map<string, Asked>()
  readonly #serving: ReplicaServing
  #nextId = 1
  #isTicking = false
  #isClosed = false
  #cancelTick: () => void = () => undefined

  constructor({ bus, clock, id }: ReplicaAsksOptions) {
    this.id = id
    this.#clock = clock
    this.#line = new ReplicaLine({ bus, clock, id, onFrame: (frame) => this.#take(frame), onGap: () => this.#gap() })
    this.#serving = new ReplicaServing({ line: this.#line, clock, silentMs })
  }

  get size(): number {
    return this.#asked.size + this.#serving.size
  }

  serve(kind: string, service: ReplicaService): void {
    this.#serving.add(kind, service)
  }

  /**
   * Null where there is no such replica, or it does not serve this: nothing was done.
   * @throws GatewayError what failed there; `replica_lost` where it was asked and cannot answer any more; `storage_unavailable` where nobody
   * knows whether it is there; `carried_too_large`, `request_cancelled`
   */
  async ask(to: string, asked: { kind: string; question: JsonObject }, hooks: AskHooks): Promise<JsonObject | null> {
    const { promise, resolve, reject } = Promise.withResolvers<JsonObject | null>()
    const id = `${this.id}:${this.#nextId++}`
    const own: Asked = { id, to, hooks, reader: new FrameReader(), heardAt: this.#clock.now(), resolve, reject }
    this.#asked.set(id, own)
    this.#tickLater()
    void this.#begin(own, asked)
    const forgetCancel = hooks.cancellation.onCancel(() => this.#giveUp(own, new GatewayError('request_cancelled')))
    try {
      return await promise
    } finally {
      forgetCancel()
      this.#asked.delete(id)
    }
  }

  async #begin(own: Asked, asked: JsonObject): Promise<void> {
    try {
      // Whoever does not hear itself would not hear the answer either, and what was done for it would be lost.
      if (!(await this.#line.hears())) return own.reject(new GatewayError('storage_unavailable'))
      if (!this.#asked.has(own.id)) return
      if (await this.#line.send(own.to, { do: 'ask', id: own.id }, asked)) return
      if (await this.#line.isSound()) own.resolve(null)
      else this.#giveUp(own, new GatewayError('storage_unavailable'))
    } catch (error) {
      own.reject(error)
    }
  }

  #giveUp(own: Asked, error: GatewayError): void {
    if (!this.#asked.delete(own.id)) return
    void this.#line.send(own.to, { do: 'cancel', id: own.id })
    own.reject(error)
  }

  #take(frame: Frame): void {
    if (this.#serving.take(frame)) return this.#tickLater()
    const own = this.#asked.get(frame.id)
    if (!own || own.to !== frame.from) return
    own.heardAt = this.#clock.now()
    if (frame.do === 'alive') return
    const body = own.reader.take(frame)
    if (body === 'broken') this.#giveUp(own, new GatewayError('replica_lost'))
    else if (body) this.#hear(own, frame.do, body)
  }

  #hear(own: Asked, word: Frame['do'], body: JsonObject): void {
    if (word === 'note') own.hooks.note?.(body)
    else if (word === 'question') void this.#answer(own, body)
    else if (word === 'end') {
      try {
        own.resolve(readEnding(body))
      } catch (error) {
        own.reject(error)
      }
    }
  }

  async #answer({ id, to, hooks }: Asked, { n, question }: JsonObject): Promise<void> {
    const answering = isJsonObject(question) ? hooks.question?.(question) : undefined
    // Without an answer in it, it says that there is none.
    const body = (await answering?.then((answer) => ({ n, answer })).catch(() => undefined)) ?? { n }
    await this.#line.send(to, { do: 'answer', id }, body).catch(() => this.#line.send(to, { do: 'answer', id }, { n }))
  }

  /** What was said meanwhile is not said again. */
  #gap(): void {
    for (const own of this.#asked.values()) this.#giveUp(own, new GatewayError('replica_lost'))
    this.#serving.gap()
  }

  #tickLater(): void {
    if (this.#isTicking || this.#isClosed) return
    this.#isTicking = true
    this.#cancelTick = this.#clock.after(tickMs, () => {
      this.#isTicking = false
      for (const own of this.#asked.values()) void this.#look(own)
      this.#serving.tick()
      if (this.size > 0) this.#tickLater()
    })
  }

  async #look(own: Asked): Promise<void> {
    const silence = this.#clock.now() - own.heardAt
    if (silence < quietMs) return
    const isThere = silence < silentMs && (await this.#line.send(own.to, { do: 'still', id: own.id }))
    if (!isThere) this.#giveUp(own, new GatewayError('replica_lost'))
  }

  close(): void {
    this.#isClosed = true
    this.#cancelTick()
    for (const own of this.#asked.values()) this.#giveUp(own, new GatewayError('shutting_down'))
    this.#serving.close()
    this.#line.close()
  }
}
