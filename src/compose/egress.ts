/** Where servers may be reached: by what the operator has declared, and by what was stored over the management API. */
import { lookup } from 'node:dns'
import { networkInterfaces } from 'node:os'
import type { Server } from '#contract/server.ts'
import { toAddressBlock, type AddressBlock } from '#core/egress/address-bits.ts'
import { createEgress, type Egress } from '#core/egress/egress.ts'
import { isDeclaredId } from '#core/resources/resource-ids.ts'
import type { ResourceSnapshot } from '#core/resources/snapshot.ts'

/** For addresses that the operator chose, in a file or in a program. */
export const operatorEgress: Egress = createEgress({ lookup, bounds: () => null })

export type ServerEgress = {
  of: (server: Server) => Egress
  /** Replaces the ranges that are open to stored servers. Connections that are open stay. */
  open: (ranges: readonly string[]) => void
}

export function createServerEgress(snapshot: Pick<ResourceSnapshot, 'find'>, ranges: readonly string[]): ServerEgress {
  let allow: AddressBlock[] = []
  const open: ServerEgress['open'] = (next) => (allow = next.map(toAddressBlock))
  open(ranges)
  return {
    of: (server) =>
      createEgress({
        lookup,
        bounds: () => (isOperators(snapshot, server) ? null : { allow, own: ownAddresses() }),
      }),
    open,
  }
}

/**
 * Asked anew each time: a declaration may come, or go and uncover a stored server of its name. Who may manage servers need not be an admin,
 * and what an admin stored somebody else may have changed: so the declaration alone counts, and it must name this very address.
 */
function isOperators(snapshot: Pick<ResourceSnapshot, 'find'>, { name, transport }: Server): boolean {
  const found = snapshot.find('server', name)
  if (found === undefined || !isDeclaredId(found.id)) return false
  return urlOf(found.spec.transport) === urlOf(transport)
}

function urlOf(transport: Server['transport']): string | null {
  return transport.kind === 'stdio' ? null : transport.url
}

/** They change while a gateway runs. */
function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((found) => found?.map(({ address }) => address) ?? [])
}
