/** Whoever looks at servers for longer than one call: a legacy session, or a modern client's `subscriptions/listen`. Types only. */
import type { Principal } from '#core/identity/principal.ts'
import type { Address, Endpoint } from '#gateway/endpoint.ts'
import type { Peer } from '#gateway/upstream/peer.ts'

export interface Viewer extends Peer {
  readonly address: Address
  /** The token as it is configured now. */
  principal: Principal
  /** The servers that the address means now. */
  endpoint: Endpoint
  /** Endpoint or access have changed: leaves the upstream sessions of servers that are gone, or may not be used any more. */
  refreshPlaces(): void
  /** Takes nothing new; ends when what is under way has ended. */
  retire(): void
  end(): void
}
