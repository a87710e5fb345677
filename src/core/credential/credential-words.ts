/** What the audit says of a credential: its kind, and whose it is where it is an owner's own. Never a value. */
import type { ServedServer } from '#contract/server.ts'

const rememberedMax = 1_000

/** Of one server. */
export class CredentialWords {
  readonly #kind: string
  /** By owner: the same text for each call, so that nothing is made for it. */
  readonly #words = new Map<string, string>()

  constructor({ transport }: Pick<ServedServer, 'transport'>) {
    this.#kind = 'credential' in transport ? transport.credential.kind : 'none'
  }

  /** @param owner as `ServerCredential.ownerOf` gives it. A server without a credential may have values of an owner's all the same */
  of(owner: string): string {
    if (owner === '') return this.#kind === 'none' ? '' : this.#kind
    let words = this.#words.get(owner)
    if (words === undefined) {
      if (this.#words.size === rememberedMax) this.#words.clear()
      this.#words.set(owner, (words = `${this.#kind} ${owner}`))
    }
    return words
  }
}
