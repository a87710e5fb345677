/** The gateway's own text, for requests that hold something of each user's besides. */
import type { Credential } from '#contract/credential.ts'
import type { Resolved } from '#contract/secret-text.ts'
import type { ServedServer } from '#contract/server.ts'
import { headersOf } from '#core/credential/credential-headers.ts'
import type { UpstreamRefusal } from '#core/credential/lease.ts'
import { toStaticCredential } from '#core/credential/static-credential.ts'
import type { CredentialOwner } from '#core/credential/stored-credential.ts'
import type { CredentialDeps } from './credential-deps.ts'
import { refusals, type Refusals } from './refusals.ts'
import type { Presented, Scheme } from './scheme.ts'

export class FixedScheme implements Scheme {
  readonly #presented: Presented
  readonly #refuse: Refusals

  constructor(definition: Resolved<Credential>, server: ServedServer, deps: Pick<CredentialDeps, 'connectUrl'>) {
    this.#presented = { text: '', gift: '', headers: headersOf(toStaticCredential(definition)), goodUntil: Infinity }
    this.#refuse = refusals(server, deps)
  }

  present(): Presented {
    return this.#presented
  }

  async refused(_owner: CredentialOwner, _used: Presented | null, { status }: UpstreamRefusal): Promise<Presented> {
    throw this.#refuse.authFailed(status)
  }
}
