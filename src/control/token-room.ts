import { GatewayError } from '#contract/errors.ts'
import type { Limits } from '#contract/limits.ts'
import type { Token } from '#contract/token.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'

type Deps = { index: Pick<ResourceIndex, 'tokenCountOf'>; limits: Pick<Limits, 'tokensPerOwnerMax'> }

/**
 * How many tokens an owner may have, counted with those that are being stored at this moment: no burst comes past the limit. Those that
 * have ended count until they are deleted, for they fill the database as well.
 */
export class TokenRoom {
  readonly #deps: Deps
  /** Whose each of them is. */
  readonly #making = new Set<Token['owner']>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * A place for one that is made, until it is known or has failed.
   * @throws GatewayError `too_many_tokens`
   */
  take({ kind, ref }: Token['owner']): Disposable {
    const { index, limits } = this.#deps
    const { tokensPerOwnerMax } = limits
    const ofOwner = this.#making.values().filter((one) => one.kind === kind && one.ref === ref)
    if (index.tokenCountOf({ kind, ref }) + [...ofOwner].length >= tokensPerOwnerMax)
      throw new GatewayError('too_many_tokens', { details: { tokensPerOwnerMax } })
    const place = { kind, ref }
    this.#making.add(place)
    return { [Symbol.dispose]: () => void this.#making.delete(place) }
  }
}
