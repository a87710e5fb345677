/** The side of those who are asked: what is being done for other replicas, and that it ends when nobody waits for it. */
import { GatewayError } from '#contract/errors.ts'
import type { Clock } from '#core/clock.ts'
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import { FrameReader, type Frame, type FrameWord } from './replica-frame.ts'
import type { ReplicaLine } from './replica-line.ts'
import { toEnding, type Ending, type ReplicaService } from './replica-service.ts'

export type ReplicaServingOptions = { line: ReplicaLine; clock: Pick<Clock, 'now'>; silentMs: number }

type Served = {
  id: string
  from: string
  reader: FrameReader
  cancellation: Cancellation
  carriedAt: number
  questions: PromiseWithResolvers<JsonObject>[]
}

/** At once. */
const servedMax = 2_000

export class ReplicaServing {
  readonly #options: ReplicaServingOptions
  readonly #services = new Map<string, ReplicaService>()
  readonly #served = new Map<string, Served>()

  constructor(options: ReplicaServingOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#served.size
  }

  add(kind: string, service: ReplicaService): void {
    this.#services.set(kind, service)
  }

  /** @returns whether it was for this side */
  take(frame: Frame): boolean {
    if (frame.do === 'cancel') this.#cancel(frame)
    else if (frame.do === 'ask') this.#read(this.#servedOf(frame), frame)
    else if (frame.do === 'answer' || frame.do === 'still') {
      const served = this.#served.get(frame.id)
      if (!served || served.from !== frame.from) this.#tell(frame, 'end', lost)
      else if (frame.do === 'answer') this.#read(served, frame)
    } else return false
    return true
  }

  #servedOf({ id, from }: Frame): Served {
    const known = this.#served.get(id)
    if (known) return known
    const served: Served = {
      id,
      from,
      reader: new FrameReader(),
      cancellation: new Cancellation(),
      carriedAt: this.#options.clock.now(),
      questions: [],
    }
    this.#served.set(id, served)
    return served
  }

  #read(served: Served, frame: Frame): void {
    if (this.#served.size > servedMax) return this.#end(served, tooMany)
    const body = served.reader.take(frame)
    if (body === 'broken') this.#end(served, lost)
    else if (body && frame.do === 'ask') void this.#serve(served, body)
    else if (body) answerOne(served, body)
  }

  async #serve(served: Served, { kind, question }: JsonObject): Promise<void> {
    const service = typeof kind === 'string' ? this.#services.get(kind) : undefined
    if (!service || !isJsonObject(question)) return this.#end(served, { unserved: true })
    const ending = await service(question, {
      cancellation: served.cancellation,
      note: (note) => this.#tell(served, 'note', note),
      question: (asked) => this.#question(served, asked),
    }).then((answer): Ending => ({ answer }), toEnding)
    this.#end(served, ending)
  }

  #question(served: Served, question: JsonObject): Promise<JsonObject> {
    const asked = Promise.withResolvers<JsonObject>()
    // Who has asked may not wait for it any more.
    asked.promise.catch(() => undefined)
    if (served.cancellation.isCancelled) asked.reject(new GatewayError('request_cancelled'))
    const n = served.questions.push(asked) - 1
    this.#tell(served, 'question', { n, question })
    return asked.promise
  }

  #tell({ from, id }: Pick<Served, 'from' | 'id'>, word: FrameWord, body: JsonObject): void {
    const failed = (error: unknown): void => void this.#options.line.send(from, { do: 'end', id }, toEnding(error))
    // What cannot be carried ends what it belongs to.
    this.#options.line.send(from, { do: word, id }, body).catch(failed)
  }

  #end(served: Served, ending: Ending): void {
    if (!this.#served.delete(served.id)) return
    this.#tell(served, 'end', ending)
    stop(served)
  }

  #cancel({ id, from }: Frame): void {
    const served = this.#served.get(id)
    if (served?.from === from) this.#drop(served)
  }

  /** Nobody waits for it. */
  #drop(served: Served): void {
    if (this.#served.delete(served.id)) stop(served)
  }

  gap(): void {
    for (const served of this.#served.values()) this.#end(served, lost)
  }

  tick(): void {
    for (const served of this.#served.values()) void this.#sayAlive(served)
  }

  async #sayAlive(served: Served): Promise<void> {
    const { line, clock, silentMs } = this.#options
    const isCarried = await line.send(served.from, { do: 'alive', id: served.id })
    if (isCarried) served.carriedAt = clock.now()
    else if (clock.now() - served.carriedAt >= silentMs) this.#drop(served)
  }

  close(): void {
    for (const served of this.#served.values()) this.#end(served, lost)
  }
}

const tooMany = toEnding(new GatewayError('rate_limited', { details: { replicaAsksMax: servedMax } }))
const lost = toEnding(new GatewayError('replica_lost'))

function stop({ cancellation, questions }: Served): void {
  for (const { reject } of questions) reject(new GatewayError('request_cancelled'))
  cancellation.cancel()
}

function answerOne({ questions }: Served, { n, answer }: JsonObject): void {
  const asked = questions[Number(n)]
  if (isJsonObject(answer)) asked?.resolve(answer)
  else asked?.reject(new GatewayError('question_unroutable'))
}
