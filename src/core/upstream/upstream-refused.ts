/** An upstream refused what the gateway authenticated with. */
import { GatewayError } from '#contract/errors.ts'
import type { UpstreamRefusal } from '#core/credential/lease.ts'

export type Refused = Pick<UpstreamRefusal, 'sent' | 'challenge'> & { status: number }

/** `upstream_auth_failed`, with what is needed to renew the credential: none of that is in what is told or logged. */
export class UpstreamRefused extends GatewayError {
  readonly #refused: Refused

  constructor(refused: Refused) {
    super('upstream_auth_failed', { details: { status: refused.status } })
    this.#refused = refused
  }

  /** @param isLast see UpstreamRefusal. @returns null where the refusal is a proxy's on the way, which no credential of the server's changes */
  toRefusal(isLast: boolean): UpstreamRefusal | null {
    const { status, sent, challenge } = this.#refused
    return status === 401 || status === 403 ? { status, sent, challenge, isLast } : null
  }
}
