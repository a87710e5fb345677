/** The guard before each outgoing connection: what is judged is the very address that is connected to. */
import { GatewayError } from '#contract/errors.ts'
import { toAddressBits } from './address-bits.ts'
import { decideEgress, type EgressBounds } from './decide-egress.ts'

type Addresses = string | { address: string; family: number }[]

/** Resolves a name as Node's `dns.lookup` does: to one address, or to all of them. */
export type Lookup = (
  hostname: string,
  options: object,
  callback: (error: Error | null, addresses: Addresses, family?: number) => void,
) => void

export type Egress = {
  /**
   * To be asked before a connection is opened: who connects looks up no name where the host is an address.
   * @returns `egress_forbidden`, which says the rule and not the address
   */
  refusalOf: (host: string) => GatewayError | null
  /** For who connects, and connects to nothing else. Fails with `egress_forbidden` where one of a name's addresses is refused. */
  lookup: Lookup
}

export type EgressDeps = {
  lookup: Lookup
  /** Asked at each connection, so that a changed configuration holds from the next one on. */
  bounds: () => EgressBounds | null
}

export function createEgress({ lookup, bounds }: EgressDeps): Egress {
  const judge = (addresses: readonly string[]): GatewayError | null => {
    const held = bounds()
    const rule = addresses.map((address) => decideEgress(address, held)).find((found) => found !== null)
    return rule === undefined ? null : new GatewayError('egress_forbidden', { details: { rule } })
  }
  return {
    refusalOf: (host) => (canBeAddress(host) ? judge([host]) : null),
    lookup: (hostname, options, callback) =>
      lookup(hostname, options, (error, addresses, family) => {
        const refusal = error === null ? judge(textsOf(addresses)) : error
        if (refusal === null) callback(null, addresses, family)
        else callback(refusal, [])
      }),
  }
}

/** No name has a colon: what looks like an address and cannot be read is judged, and refused. */
function canBeAddress(host: string): boolean {
  return host.includes(':') || toAddressBits(host) !== null
}

function textsOf(addresses: Addresses): string[] {
  return typeof addresses === 'string' ? [addresses] : addresses.map(({ address }) => address)
}
