/**
 * The `requestState` of a server, on its way to a modern client and back (2026-07-28, basic/patterns/mrtr). Behind the gateway all
 * principals are one caller to the server, so it cannot tell whose state comes back: the gateway signs that.
 */
import { GatewayError } from '#contract/errors.ts'
import { toOutcome, type Outcome } from '#core/protocol/json-rpc.ts'
import { parseMessage, rawText } from '#gateway/upstream/answer.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'

export type RequestStatesDeps = {
  hash: (text: string) => string
  randomId: (prefix: string) => string
  /** Common to all replicas, the newest first; the others may have been before it. Without them, this one's own. */
  stateSecrets?: readonly string[] | undefined
}

type Keys = { inner: string; outer: string }

export class RequestStates {
  readonly #hash: (text: string) => string
  readonly #current: Keys
  readonly #all: readonly Keys[]

  constructor({ hash, randomId, stateSecrets = [] }: RequestStatesDeps) {
    this.#hash = hash
    const [newest = randomId('key'), ...older] = stateSecrets
    const toKeys = (secret: string): Keys => ({ inner: hash(`inner ${secret}`), outer: hash(`outer ${secret}`) })
    this.#current = toKeys(newest)
    this.#all = [this.#current, ...older.map(toKeys)]
  }

  /** @param owner whose state it is: principal, server and what was called */
  seal(state: string, owner: string): string {
    return `${this.#sign(state, owner, this.#current)}.${state}`
  }

  /** @throws GatewayError `request_state_invalid`, the same for every reason */
  open(sealed: unknown, owner: string): string {
    const at = typeof sealed === 'string' ? sealed.indexOf('.') : -1
    if (typeof sealed !== 'string' || at === -1) throw new GatewayError('request_state_invalid')
    const state = sealed.slice(at + 1)
    const signature = sealed.slice(0, at)
    if (!this.#all.some((keys) => isEqual(signature, this.#sign(state, owner, keys))))
      throw new GatewayError('request_state_invalid')
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
  #sign(state: string, owner: string, { inner, outer }: Keys): string {
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
