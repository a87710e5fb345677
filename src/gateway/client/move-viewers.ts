/** After a change: who is connected may do, and sees, what now holds. */
import type { Principal } from '#core/identity/principal.ts'
import type { Address, Endpoint } from '#gateway/endpoint.ts'
import type { Viewer } from './viewer.ts'

export type Present = {
  /** What a principal is now; undefined where its token is gone. */
  principalOf(before: Principal): Principal | undefined
  /** Null where the address means nothing any more. */
  endpointAt(address: Address, principal: Principal): Endpoint | null
}

/** Whose token is gone is let go. */
export function moveViewers(viewers: Iterable<Viewer>, present: Present): void {
  for (const viewer of viewers) {
    const principal = present.principalOf(viewer.principal)
    if (principal) moveViewer(viewer, principal, present)
    else viewer.end()
  }
}

function moveViewer(viewer: Viewer, principal: Principal, present: Present): void {
  const before = { access: viewer.principal.access, endpoint: viewer.endpoint }
  const endpoint = present.endpointAt(viewer.address, principal)
  viewer.principal = principal
  const isSame = endpoint !== null && isSameList(endpoint.upstreams, before.endpoint.upstreams)
  // What a server that stands alone said of itself at the start holds for the whole session.
  if (!endpoint || endpoint.kind !== before.endpoint.kind || (endpoint.kind === 'single' && !isSame)) {
    return viewer.retire()
  }
  viewer.endpoint = endpoint
  if (isSame && principal.access.fingerprint === before.access.fingerprint) return
  viewer.refreshPlaces()
  for (const kind of ['tools', 'prompts', 'resources'] as const) viewer.listChanged('', kind)
}

function isSameList(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((entry, index) => entry === other[index])
}
