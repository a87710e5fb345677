/** How one kind of credential is made for an owner, and what is done when a server refuses it. */
import type { Header } from '#core/credential/header-merge.ts'
import type { UpstreamRefusal } from '#core/credential/lease.ts'
import type { CredentialOwner } from '#core/credential/stored-credential.ts'
import type { WireRequest } from '#core/upstream/http-wire.ts'

/** What goes out for an owner. Equal texts are the same credential. */
export type Presented = {
  /** The token or key itself: what tells this one from the next. */
  text: string
  /** What tells one that its owner gave from what it gives next, which may be another account: what was begun with the one is not gone on with. */
  gift: string
  headers: readonly Header[]
  /** Unix time in milliseconds until which it is used without asking again; Infinity: until something is changed. */
  goodUntil: number
  /** @param path path and query of the server's address */
  sign?: (path: string) => (request: WireRequest) => readonly string[]
}

export interface Scheme {
  /** What is renewed can have ended, which its owner is told as soon as it is known: so whoever issued it is asked after each refusal. */
  readonly isAccount?: true
  /**
   * At once where it is there.
   * @throws GatewayError, or rejects with it, as `ServerCredential.lease` does
   */
  present(owner: CredentialOwner): Presented | Promise<Presented>
  /**
   * What went out was refused. Resolves with something new.
   * @param used null: something else is presented by now
   * @throws GatewayError as `ServerCredential.rejected` does
   */
  refused(owner: CredentialOwner, used: Presented | null, refusal: UpstreamRefusal): Promise<Presented>
}

/** RFC 6750 §2.1, in whichever header the server wants it. */
export function bearerIn(header: string, token: string): Header {
  return [header, `Bearer ${token}`]
}

/** Goes on at once where there is something already: who waits for a promise waits a turn. */
export function toNext<Value, Next>(value: Value | Promise<Value>, step: (value: Value) => Next): Next | Promise<Next> {
  return value instanceof Promise ? value.then(step) : step(value)
}
