/**
 * Port: how requests to one server are authenticated, step 7 of a call. Types only.
 *
 * A lease is what the path of a call holds: the headers of one owner at one server as they are now. Sessions read it for each request, so that
 * a token that was renewed is used at once.
 */
import type { WireRequest } from '#core/upstream/http-wire.ts'

/**
 * The same object for as long as server, owner, and what the owner gave are the same; what it says is replaced when it is renewed. Another one
 * may be for another account: what was begun with the one is not gone on with.
 */
export interface Lease {
  /** Part of the key of pools and lists: who shares it shares what the server gave it. Empty where the gateway itself is the owner. */
  readonly owner: string
  /** Credential and static headers, as a flat list of lower-case names and values. Another array only when it says something else. */
  readonly headers: readonly string[]
  /** Path and query of the server's address, where they hold values of the owner's. */
  readonly path?: string
  /** Gives headers that hold for this one request only (AWS SigV4). */
  readonly sign?: (request: WireRequest) => readonly string[]
}

/** Who a credential can belong to, of whom it is known who calls: a user, or the team that a token is bound to. Ids, and plain data. */
export type CredentialHolder = { readonly userId: string | null; readonly teamId: string | null }

/** What an upstream said when it refused a request. */
export type UpstreamRefusal = {
  /** What the lease's headers were when it was sent: where they are others by now, there is something new to try already. */
  sent: readonly string[]
  /** What went out had just been renewed for this: nothing else will be tried, and what is told is the end of it. */
  isLast: boolean
  status: 401 | 403
  /** `WWW-Authenticate`, as it came: an upstream's word, to be read and not to be repeated. */
  challenge: string | null
}

export interface ServerCredential {
  /**
   * Whose credential this holder's calls go out with; equal to the lease's `owner`. Empty as well where it can have none: then there is no
   * lease.
   */
  ownerOf(holder: CredentialHolder): string
  /**
   * At once where one is there and good: the warm path waits for nothing and makes nothing. There is no anonymous lease.
   * @throws GatewayError, or rejects with it: `credential_required`, `credential_variables_required`, `credential_owner_required`,
   *   `credential_unavailable`
   */
  lease(holder: CredentialHolder): Lease | Promise<Lease>
  /**
   * The upstream refused what went out with this lease. Resolves where there is something new to try, once.
   * @throws GatewayError, as `lease` does, or `upstream_auth_failed`
   */
  rejected(lease: Lease, refusal: UpstreamRefusal): Promise<Lease>
}
