/** After a change: who is connected may do, and sees, what now holds. */
import { toGatewayError } from '#contract/errors.ts'
import type { Principal } from '#core/identity/principal.ts'
import type { Address } from '#gateway/endpoint.ts'
import type { Located } from '#gateway/locate.ts'
import type { Viewer } from './viewer.ts'

export type Present = {
  /** What a principal is now; undefined where its token is gone. */
  principalOf(before: Principal): Principal | undefined
  /** @throws GatewayError where the address means nothing any more, or is none of the principal's */
  locate(principal: Principal, address: Address): Located
}

/** Whose token is gone, or may not be used at its address any more, is let go. */
export function moveViewers(viewers: Iterable<Viewer>, present: Present): void {
  for (const viewer of viewers) {
    const principal = present.principalOf(viewer.principal)
    if (principal) moveViewer(viewer, principal, present)
    else viewer.end()
  }
}

function moveViewer(viewer: Viewer, principal: Principal, present: Present): void {
  const before = { access: viewer.principal.access, endpoint: viewer.endpoint }
  const located = find(() => present.locate(principal, viewer.address))
  if (located === 'forbidden') return viewer.end()
  viewer.principal = located?.principal ?? principal
  const isSame = located !== null && isSameList(located.endpoint.upstreams, before.endpoint.upstreams)
  // What a server that stands alone said of itself at the start holds for the whole session.
  if (!located || located.endpoint.kind !== before.endpoint.kind || (before.endpoint.kind === 'single' && !isSame)) {
    return viewer.retire()
  }
  viewer.endpoint = located.endpoint
  if (isSame && located.principal.access.fingerprint === before.access.fingerprint) return
  viewer.refreshPlaces()
  for (const kind of ['tools', 'prompts', 'resources'] as const) viewer.listChanged('', kind)
}

/** Null: there is nothing any more. */
function find(locate: () => Located): Located | 'forbidden' | null {
  try {
    return locate()
  } catch (error) {
    return toGatewayError(error).code === 'forbidden' ? 'forbidden' : null
  }
}

function isSameList(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((entry, index) => entry === other[index])
}
