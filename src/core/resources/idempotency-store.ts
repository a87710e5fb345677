/** Port: requests that a caller may repeat without their being done twice. Types only. */

export type IdempotentRequest = {
  /** Whose key it is: the same text of another caller is another key. */
  scope: string
  /** The caller's word, of visible ASCII. */
  key: string
  /** Of method, address and body: a key stands for one request. */
  fingerprint: string
}

export type IdempotentAnswer = {
  /** HTTP. */
  status: number
  /** Never with a secret in it: it is stored as it is. */
  body: string
}

/**
 * - `claimed`: nobody has used the key; do it, and then `settle`, `release` or `abandon`.
 * - `under_way`: the same request is being done.
 * - `unknown`: it was begun, and nobody has said how it ended.
 * - `settled`: it was done, with this answer.
 * - `other_request`: the key stands for another request.
 */
export type IdempotencyClaim =
  | { state: 'claimed' | 'under_way' | 'unknown' | 'other_request' }
  | { state: 'settled'; answer: IdempotentAnswer }

/** Unix milliseconds. */
export type ClaimTimes = {
  now: number
  /** Who has not settled it by then has most likely ended in the middle. */
  unknownFrom: number
  /** From then on the key is free again. */
  until: number
}

export interface IdempotencyStore {
  /** One of those who ask at the same time gets it. */
  claim(request: IdempotentRequest, times: ClaimTimes): Promise<IdempotencyClaim>
  /**
   * Keeps the answer until then. Nothing where the claim has run out.
   * @throws GatewayError `sealing_key_replaced`: nothing is written
   */
  settle(request: IdempotentRequest, answer: IdempotentAnswer, until: number): Promise<void>
  /** Nothing was done: the next one may try. */
  release(request: IdempotentRequest): Promise<void>
  /** It may have been done: `unknown` from now on. Nothing where the answer is there. */
  abandon(request: IdempotentRequest): Promise<void>
  /** At most `limit` of those that have run out. @returns how many */
  deleteExpired(now: number, limit: number): Promise<number>
}
