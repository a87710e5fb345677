/** A credential of which each user has its own, and which a test renews and ends by hand. */
import { GatewayError } from '#contract/errors.ts'
import type { CredentialHolder, Lease, ServerCredential, UpstreamRefusal } from '#core/credential/lease.ts'

type Own = { owner: string; headers: readonly string[]; next?: readonly string[] | undefined }

export class FakeCredential implements ServerCredential {
  readonly refusals: UpstreamRefusal[] = []
  /** Whether a refused one can be renewed. */
  canRenew = true
  /** Why none can be had at the moment. */
  failure: GatewayError | null = null
  readonly #leases = new Map<string, Own>()
  #renewals = 0

  /** Gives a user a token. */
  connect(userId: string, token: string): void {
    this.#leases.set(userId, { owner: userId, headers: headersOf(token) })
  }

  /** Has the token renewed when it is next asked for, as one is that is about to end. */
  replace(userId: string, token: string): void {
    const own = this.#leases.get(userId)
    if (own) own.next = headersOf(token)
  }

  disconnect(userId: string): void {
    this.#leases.delete(userId)
  }

  ownerOf({ userId }: CredentialHolder): string {
    return userId ?? ''
  }

  lease({ userId }: CredentialHolder): Lease | Promise<Lease> {
    if (this.failure) throw this.failure
    const own = this.#leases.get(userId ?? '')
    if (!own) throw new GatewayError('credential_required', { details: { server: 'files' } })
    own.headers = own.next ?? own.headers
    own.next = undefined
    return own
  }

  async rejected({ owner }: Lease, refusal: UpstreamRefusal): Promise<Lease> {
    this.refusals.push(refusal)
    const own = this.#leases.get(owner)
    if (!own || !this.canRenew || refusal.isLast) throw new GatewayError('credential_required', { details: { owner } })
    if (own.headers === refusal.sent) own.headers = headersOf(`renewed-${++this.#renewals}`)
    return own
  }
}

function headersOf(token: string): readonly string[] {
  return ['authorization', `Bearer ${token}`]
}
