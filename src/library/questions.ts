/** What servers ask while they work: elicitation, sampling, roots. The program answers, where it said that it can. */
import { isJsonObject, type JsonObject, type Outcome, type Question } from '#core/protocol/json-rpc.ts'
import type { Peer } from '#gateway/upstream/peer.ts'
import type { Answerer, Asker, GatewayOptions } from './gateway-options.ts'

const methodNotFound: Outcome = { error: { code: -32601, message: 'The client did not declare this capability.' } }
const refused: Outcome = { error: { code: -32603, message: 'The client could not answer.' } }

export class Questions {
  /** What servers are told that can be asked. One object for all calls, so that they share upstream sessions. */
  readonly capabilities: JsonObject
  readonly #answerers: ReadonlyMap<string, Answerer>

  constructor({ onElicit, onSample, onListRoots }: GatewayOptions) {
    this.capabilities = {
      ...(onElicit ? { elicitation: { form: {}, url: {} } } : {}),
      ...(onSample ? { sampling: {} } : {}),
      ...(onListRoots ? { roots: {} } : {}),
    }
    const answerers = { 'elicitation/create': onElicit, 'sampling/createMessage': onSample, 'roots/list': onListRoots }
    this.#answerers = new Map(Object.entries(answerers).flatMap(([method, own]) => (own ? [[method, own]] : [])))
  }

  get canAnswer(): boolean {
    return this.#answerers.size > 0
  }

  /** @param fail is told what the program's answerer threw */
  async answer(question: Question, asker: Asker, fail: (error: unknown) => void): Promise<Outcome> {
    const answerer = this.#answerers.get(question.method)
    if (!answerer) return methodNotFound
    try {
      const result: unknown = await answerer(question.params ?? {}, asker)
      if (isJsonObject(result)) return { result }
      fail(new TypeError(`The answer to ${question.method} must be an object.`))
    } catch (error) {
      fail(error)
    }
    return refused
  }

  /** Hears what a shared channel cannot match to one call: with several under way, a question may come from any of them. */
  readonly peer: Peer = {
    principalId: 'library',
    isListening: false,
    watchedResources: () => [],
    listChanged: () => undefined,
    resourceUpdated: () => undefined,
    logged: () => undefined,
    other: () => undefined,
    ask: (server, question) => this.answer(question, { server, signal: undefined }, () => undefined),
  }
}
