/** Where servers may be reached: by what the operator has declared, and by what was stored over the management API. */
import { lookup } from 'node:dns'
import { networkInterfaces } from 'node:os'
import type { Credential } from '#contract/credential.ts'
import type { Server } from '#contract/server.ts'
import { toAddressBlock, type AddressBlock } from '#core/egress/address-bits.ts'
import { createEgress, type Egress } from '#core/egress/egress.ts'
import { isDeclaredId } from '#core/resources/resource-ids.ts'
import type { ResourceSnapshot } from '#core/resources/snapshot.ts'

/** For addresses that the operator chose, in a file or in a program. */
export const operatorEgress: Egress = createEgress({ lookup, bounds: () => null })

export type ServerEgress = {
  of: (server: Server) => Egress
  /** Of an address that a server or a document may have chosen. At a place that the operator has written down, the operator's guard holds. */
  ofAddress: (url: URL) => Egress
  /** Replaces the ranges that are open to stored servers. Connections that are open stay. */
  open: (ranges: readonly string[]) => void
}

export function createServerEgress(
  snapshot: Pick<ResourceSnapshot, 'find' | 'declared'>,
  ranges: readonly string[],
): ServerEgress {
  let allow: AddressBlock[] = []
  const open: ServerEgress['open'] = (next) => (allow = next.map(toAddressBlock))
  open(ranges)
  return {
    of: (server) =>
      createEgress({
        lookup,
        bounds: () => (isOperators(snapshot, server) ? null : { allow, own: ownAddresses() }),
      }),
    ofAddress: (url) =>
      createEgress({
        lookup,
        bounds: () => (isDeclaredPlace(snapshot, url) ? null : { allow, own: ownAddresses() }),
      }),
    open,
  }
}

/**
 * Where the operator has written an address down, that place is open to what documents say, and no other port of its host. Where the operator
 * has left it to a server to say where its accounts are, the rest of that host is open as well: both are often on one.
 */
function isDeclaredPlace(snapshot: Pick<ResourceSnapshot, 'declared'>, { host, hostname }: URL): boolean {
  return snapshot.declared('server').some(({ spec: { transport } }) =>
    addressesOf(transport).some((text) => {
      const url = URL.parse(text)
      return url?.host === host || (url?.hostname === hostname && isLookedUp(transport))
    }),
  )
}

function isLookedUp(transport: Server['transport']): boolean {
  if (transport.kind === 'stdio' || !transport.credential.kind.startsWith('oauth2_')) return false
  return sourcesOf(transport.credential).some((source) => !('tokenUrl' in source) || source.tokenUrl === undefined)
}

function sourcesOf(credential: Credential): object[] {
  return credential.kind === 'oauth2_token_exchange' ? [credential, credential.subject] : [credential]
}

function addressesOf(transport: Server['transport']): string[] {
  if (transport.kind === 'stdio') return []
  const given = sourcesOf(transport.credential).flatMap((source) =>
    Object.entries(source).filter(([name]) => addressNames.has(name)),
  )
  return [transport.url, ...given.flatMap(([, address]) => (typeof address === 'string' ? [address] : []))]
}

const addressNames = new Set(['issuer', 'authorizationUrl', 'tokenUrl', 'registrationUrl'])

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
