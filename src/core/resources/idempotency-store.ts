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
 * - `claimed`: nobody has used the key; do it, and then `settle` or `release`.
 * - `under_way`: the same request is being done.
 * - `settled`: it was done, with this answer.
 * - `other_request`: the key stands for another request.
 */
export type IdempotencyClaim =
  | { state: 'claimed' | 'under_way' | 'other_request' }
  | { state: 'settled'; answer: IdempotentAnswer }

export interface IdempotencyStore {
  /** One of those who ask at the same time gets it. @param times Unix milliseconds; from `until` on the key is free again */
  claim(request: IdempotentRequest, times: { now: number; until: number }): Promise<IdempotencyClaim>
  /** Keeps the answer until then. Nothing where the claim has run out. */
  settle(request: IdempotentRequest, answer: IdempotentAnswer, until: number): Promise<void>
  /** Nothing was done: the next one may try. */
  release(request: IdempotentRequest): Promise<void>
  /** At most `limit` of those that have run out. @returns how many */
  deleteExpired(now: number, limit: number): Promise<number>
}
