/** Keys that each owner gives itself. */
import type { ServedServer } from '#contract/server.ts'
import { headersOf } from '#core/credential/credential-headers.ts'
import { moveCredential } from '#core/credential/credential-moves.ts'
import { nameOfCredential } from '#core/credential/credential-name.ts'
import { givenFor } from '#core/credential/given-for.ts'
import { isUsable } from '#core/credential/grant-life.ts'
import type { UpstreamRefusal } from '#core/credential/lease.ts'
import { withParts, type KeyCredential } from '#core/credential/static-credential.ts'
import { toAttention } from '#core/credential/state-steps.ts'
import type { CredentialOwner, StoredCredential } from '#core/credential/stored-credential.ts'
import type { CredentialDeps } from './credential-deps.ts'
import { urlOf } from './grant-plans.ts'
import { refusals, type Refusals } from './refusals.ts'
import type { Presented, Scheme } from './scheme.ts'

type Deps = Pick<CredentialDeps, 'book' | 'clock' | 'changes' | 'connectUrl'>

export class KeyScheme implements Scheme {
  readonly #definition: KeyCredential
  readonly #server: ServedServer
  readonly #deps: Deps
  readonly #refuse: Refusals

  constructor(definition: KeyCredential, server: ServedServer, deps: Deps) {
    this.#definition = definition
    this.#server = server
    this.#deps = deps
    this.#refuse = refusals(server, deps)
  }

  present(owner: CredentialOwner): Presented {
    const stored = this.#deps.book.find(nameOfCredential(this.#server.id, owner))?.credential
    const credential = givenFor(urlOf(this.#server), stored)
    const presented = credential && this.#toPresented(credential)
    // Who has given values of variables alone has begun, and is not connecting anything.
    if (!credential || (!presented && (isUsable(credential) || credential.state === 'connecting')))
      throw this.#refuse.required(owner, 'missing', null)
    if (!presented || !isUsable(credential)) throw this.#refuse.required(owner, credential.state, credential.reason)
    return presented
  }

  #toPresented({ secret }: StoredCredential): Presented | null {
    const given = secret?.kind === 'key' ? withParts(this.#definition, secret.parts) : null
    if (!given) return null
    const text = JSON.stringify(given)
    return { text, gift: text, headers: headersOf(given), goodUntil: Infinity }
  }

  /** A key is not renewed: it is its owner who has another one, or has not. */
  async refused(owner: CredentialOwner, used: Presented | null, { status }: UpstreamRefusal): Promise<Presented> {
    if (status === 403 || !used) throw this.#refuse.authFailed(status)
    const name = nameOfCredential(this.#server.id, owner)
    await this.#refuse.orUnavailable(() =>
      moveCredential(this.#deps, name, (credential) =>
        isUsable(credential) && this.#toPresented(credential)?.text === used.text
          ? toAttention(credential, 'refused_by_server', this.#deps.clock.now())
          : null,
      ),
    )
    throw this.#refuse.required(owner, 'needs_attention', 'refused_by_server')
  }
}
