/** Tokens as they are asked for: by what is sent, by what took their place, and how many are whose. */
import type { Token as TokenSpec } from '#contract/token.ts'
import type { Resource } from './resource-store.ts'

type Token = Resource<'token'>

export class TokenIndex {
  readonly #byDigest = new Map<string, Token>()
  /** By the id of the token that took their place, and by their own. */
  readonly #bySuccessor = new Map<string, Map<string, Token>>()
  readonly #counts = new Map<string, number>()

  withDigest(digest: string): Token | undefined {
    return this.#byDigest.get(digest)
  }

  replacedBy(id: string): readonly Token[] {
    return [...(this.#bySuccessor.get(id)?.values() ?? [])]
  }

  countOf(owner: TokenSpec['owner']): number {
    return this.#counts.get(ownerKey(owner)) ?? 0
  }

  add(token: Token): void {
    const { digest, replacedBy, owner } = token.spec
    this.#byDigest.set(digest, token)
    this.#counts.set(ownerKey(owner), this.countOf(owner) + 1)
    if (replacedBy === null) return
    const replaced = this.#bySuccessor.get(replacedBy)
    if (replaced) replaced.set(token.id, token)
    else this.#bySuccessor.set(replacedBy, new Map([[token.id, token]]))
  }

  /** One that was added. */
  delete(token: Token): void {
    const { digest, replacedBy, owner } = token.spec
    if (this.#byDigest.get(digest) === token) this.#byDigest.delete(digest)
    const left = this.countOf(owner) - 1
    if (left > 0) this.#counts.set(ownerKey(owner), left)
    else this.#counts.delete(ownerKey(owner))
    if (replacedBy === null) return
    const replaced = this.#bySuccessor.get(replacedBy)
    replaced?.delete(token.id)
    if (replaced?.size === 0) this.#bySuccessor.delete(replacedBy)
  }
}

function ownerKey({ kind, ref }: TokenSpec['owner']): string {
  return `${kind} ${ref}`
}
