/**
 * The `requestState` of a server, on its way to a modern client and back (2026-07-28, basic/patterns/mrtr). Behind the gateway all
 * principals are one caller to the server, so it cannot tell whose state comes back: the gateway signs that.
 */
import { GatewayError } from '#contract/errors.ts'
import { toOutcome, type Outcome } from '#core/protocol/json-rpc.ts'
import { parseMessage, rawText } from '#gateway/upstream/answer.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'

export type RequestStatesDeps = { hash: (text: string) => string; randomId: (prefix: string) => string }

export class RequestStates {
  readonly #hash: (text: string) => string
  readonly #keys: readonly [inner: string, outer: string]

  constructor({ hash, randomId }: RequestStatesDeps) {
    this.#hash = hash
    this.#keys = [randomId('key'), randomId('key')]
  }

  /** @param owner whose state it is: principal, server and what was called */
  seal(state: string, owner: string): string {
    return `${this.#sign(state, owner)}.${state}`
  }

  /** @throws GatewayError `request_state_invalid`, the same for every reason */
  open(sealed: unknown, owner: string): string {
    const at = typeof sealed === 'string' ? sealed.indexOf('.') : -1
    if (typeof sealed !== 'string' || at === -1) throw new GatewayError('request_state_invalid')
    const state = sealed.slice(at + 1)
    if (!isEqual(sealed.slice(0, at), this.#sign(state, owner))) throw new GatewayError('request_state_invalid')
    return state
  }

  /** The answer with its state sealed, if it has one: a raw answer is opened, and its owner asked for, only if it can hold one. */
  sealAnswer(answer: Answer, owner: () => string): Answer {
    if ('result' in answer) return this.#sealOutcome(answer, owner)
    if (!('raw' in answer) || !answer.raw.includes('"requestState"')) return answer
    const outcome = toOutcome(parseMessage(rawText(answer)))
    const sealed = outcome && this.#sealOutcome(outcome, owner)
    return sealed === undefined || sealed === outcome ? answer : sealed
  }

  #sealOutcome(outcome: Outcome, owner: () => string): Outcome {
    if ('error' in outcome) return outcome
    const { resultType, requestState } = outcome.result
    if (resultType !== 'input_required' || typeof requestState !== 'string') return outcome
    return { result: { ...outcome.result, requestState: this.seal(requestState, owner()) } }
  }

  /** Two keys and two rounds, as in HMAC (RFC 2104): a plain hash of key and text could be continued by others. */
  #sign(state: string, owner: string): string {
    const [inner, outer] = this.#keys
    return this.#hash(outer + this.#hash(JSON.stringify([inner, owner, state])))
  }
}

/** Takes as long for every wrong text, so that a signature cannot be found piece by piece. */
function isEqual(one: string, other: string): boolean {
  if (one.length !== other.length) return false
  let difference = 0
  for (let at = 0; at < one.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at)
  return difference === 0
}
