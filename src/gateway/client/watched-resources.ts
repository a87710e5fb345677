/** The resources that one client watches, by server and by the URI that the server knows. */
import { GatewayError } from '#contract/errors.ts'
import { allowsRead } from '#core/access/decide.ts'
import type { Principal } from '#core/identity/principal.ts'

/** A wish whose subscription is under way: the resource is watched from now on, so that no update is missed. */
export type Wish = {
  /** The upstream has agreed: the resource is watched until the client no longer wants it. */
  keep: () => void
  /** Nothing came of it. Where another wish stands, the resource is watched on. */
  takeBack: () => void
}

/** Of one client session, at all servers together. */
const watchesMax = 1_000
const uriCharsMax = 8_192
const kept = Symbol('kept')

export class WatchedResources {
  /** Each resource with the wishes that stand behind it: a client may ask twice, and take one of the two back. */
  readonly #wishes = new Map<string, Map<string, Set<symbol>>>()
  #size = 0

  /** @throws GatewayError `rate_limited`; `invalid_params` for a URI that is too long */
  add(server: string, uri: string): Wish {
    const wish = Symbol(uri)
    const wishes = this.#wishesFor(server, uri).add(wish)
    const takeBack = (): void => {
      if (wishes.delete(wish) && wishes.size === 0) this.delete(server, uri)
    }
    const keep = (): void => {
      if (wishes.has(wish)) wishes.add(kept)
      takeBack()
    }
    return { keep, takeBack }
  }

  #wishesFor(server: string, uri: string): Set<symbol> {
    let own = this.#wishes.get(server)
    if (!own) this.#wishes.set(server, (own = new Map<string, Set<symbol>>()))
    let wishes = own.get(uri)
    if (wishes) return wishes
    if (uri.length > uriCharsMax) throw new GatewayError('invalid_params', { details: { uriCharsMax } })
    if (this.#size >= watchesMax) throw new GatewayError('rate_limited', { details: { watchesMax } })
    this.#size++
    own.set(uri, (wishes = new Set()))
    return wishes
  }

  /** Whoever wished for it. */
  delete(server: string, uri: string): void {
    this.#wishes.get(server)?.get(uri)?.clear()
    if (this.#wishes.get(server)?.delete(uri)) this.#size--
  }

  has(server: string, uri: string): boolean {
    return this.#wishes.get(server)?.has(uri) ?? false
  }

  of(server: string): Iterable<string> {
    return this.#wishes.get(server)?.keys() ?? []
  }

  hasAny(server: string): boolean {
    return (this.#wishes.get(server)?.size ?? 0) > 0
  }
}

/** Asked with every update: what a token may read can change while it watches. */
export function mayWatch({ access }: Principal, server: string): boolean {
  return allowsRead(access.server(server).level)
}
