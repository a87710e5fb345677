/** What one owner's requests to one server carry now. */
import { mergeHeaders } from '#core/credential/header-merge.ts'
import type { Lease } from '#core/credential/lease.ts'
import type { CredentialOwner } from '#core/credential/stored-credential.ts'
import type { WireRequest } from '#core/upstream/http-wire.ts'
import type { FilledRequest } from './request-shape.ts'
import type { Presented } from './scheme.ts'

export type LeaseHolder = {
  /** See `Lease.owner`. */
  key: string
  owner: CredentialOwner
  /** Whose variables go with it. */
  userId: string | null
}

export class OwnerLease implements Lease {
  readonly holder: LeaseHolder
  readonly owner: string
  headers: readonly string[] = []
  path?: string
  sign?: (request: WireRequest) => readonly string[]
  /** Null: nothing yet. */
  presented: Presented | null = null
  /** Until when it is what it says, if nothing is changed; what could be changed is at this state. */
  goodUntil = -Infinity
  stamp = -1
  #filled: FilledRequest | null = null

  constructor(holder: LeaseHolder) {
    this.holder = holder
    this.owner = holder.key
  }

  /** Whether it is this lease that says this: of what its owner gave, or of values of variables, there is another one for each. */
  isFor({ gift }: Presented, filled: FilledRequest): boolean {
    return this.presented === null || (gift === this.presented.gift && isEqual(filled, this.#filled))
  }

  /** Another array of headers only where something is another. */
  take(presented: Presented, filled: FilledRequest, hasVariablePath: boolean): void {
    const isSame = presented.text === this.presented?.text
    this.presented = presented
    this.goodUntil = presented.goodUntil
    if (isSame) return
    this.headers = mergeHeaders(filled.headers, presented.headers)
    this.#filled = filled
    if (hasVariablePath) this.path = filled.path
    if (presented.sign) this.sign = presented.sign(filled.path)
  }

  /** What was presented with these headers; null: something else is by now. */
  presentedWith(headers: readonly string[]): Presented | null {
    return headers === this.headers ? this.presented : null
  }
}

function isEqual(one: FilledRequest, other: FilledRequest | null): boolean {
  if (one.path !== other?.path) return false
  const names = Object.keys(one.headers)
  return names.every((name) => one.headers[name] === other.headers[name])
}
