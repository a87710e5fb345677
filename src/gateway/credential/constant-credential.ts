/** What the gateway's own definition says, for everybody and for as long as it says so: nothing is done for a call. */
import { GatewayError } from '#contract/errors.ts'
import type { Lease, ServerCredential, UpstreamRefusal } from '#core/credential/lease.ts'

export class ConstantCredential implements ServerCredential {
  readonly #server: string
  readonly #lease: Lease

  /** @param server its name, for errors */
  constructor(server: string, said: Omit<Lease, 'owner'>) {
    this.#server = server
    this.#lease = { owner: '', ...said }
  }

  ownerOf(): string {
    return ''
  }

  lease(): Lease {
    return this.#lease
  }

  async rejected(_lease: Lease, { status }: UpstreamRefusal): Promise<Lease> {
    throw new GatewayError('upstream_auth_failed', { details: { server: this.#server, status } })
  }
}
