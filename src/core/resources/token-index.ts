/** Tokens as they are asked for: by what is sent, by what took their place, and by whose they are. */
import type { Token as TokenSpec } from '#contract/token.ts'
import type { Resource } from './resource-store.ts'

type Token = Resource<'token'>

export class TokenIndex {
  readonly #byDigest = new Map<string, Token>()
  /** By the id of the token that took their place, and by their own. */
  readonly #bySuccessor = new Map<string, Map<string, Token>>()
  /** By owner, and by their own ids. */
  readonly #byOwner = new Map<string, Map<string, Token>>()

  withDigest(digest: string): Token | undefined {
    return this.#byDigest.get(digest)
  }

  replacedBy(id: string): readonly Token[] {
    return [...(this.#bySuccessor.get(id)?.values() ?? [])]
  }

  countOf(owner: TokenSpec['owner']): number {
    return this.#byOwner.get(ownerKey(owner))?.size ?? 0
  }

  ofOwner(owner: TokenSpec['owner']): Iterable<Token> {
    return this.#byOwner.get(ownerKey(owner))?.values() ?? []
  }

  add(token: Token): void {
    const { digest, replacedBy, owner } = token.spec
    this.#byDigest.set(digest, token)
    put(this.#byOwner, ownerKey(owner), token)
    if (replacedBy !== null) put(this.#bySuccessor, replacedBy, token)
  }

  /** One that was added. */
  delete(token: Token): void {
    const { digest, replacedBy, owner } = token.spec
    if (this.#byDigest.get(digest) === token) this.#byDigest.delete(digest)
    remove(this.#byOwner, ownerKey(owner), token)
    if (replacedBy !== null) remove(this.#bySuccessor, replacedBy, token)
  }
}

type Groups = Map<string, Map<string, Token>>

function put(groups: Groups, key: string, token: Token): void {
  const group = groups.get(key)
  if (group) group.set(token.id, token)
  else groups.set(key, new Map([[token.id, token]]))
}

function remove(groups: Groups, key: string, { id }: Token): void {
  const group = groups.get(key)
  group?.delete(id)
  if (group?.size === 0) groups.delete(key)
}

function ownerKey({ kind, ref }: TokenSpec['owner']): string {
  return `${kind} ${ref}`
}
