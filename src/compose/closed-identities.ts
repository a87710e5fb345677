/** Where nobody knows any more which tokens are good, none is; who is connected is kept waiting, and asks again. */
import { GatewayError } from '#contract/errors.ts'
import type { Identities } from '#gateway/identify.ts'

/** @throws GatewayError `storage_unavailable`, from `byDigest` */
export function closedIdentities(known: Identities): Identities {
  return {
    byDigest: () => {
      throw new GatewayError('storage_unavailable')
    },
    current: (before) => known.current(before),
    outside: (principal) => known.outside(principal),
    scope: (kind, name) => known.scope(kind, name),
    within: (principal, scope) => known.within(principal, scope),
    among: (principal, mixture) => known.among(principal, mixture),
  }
}
