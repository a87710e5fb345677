/** Whether a connection may be opened to an address. */
import { isWithin, readingsOf, toAddressBits, toAddressBlock, type AddressBlock } from './address-bits.ts'

export type EgressRule =
  | 'unreadable'
  | 'metadata'
  | 'link_local'
  | 'unspecified'
  | 'multicast'
  | 'broadcast'
  | 'loopback'
  | 'private'
  | 'own_address'

/** What holds for servers that are not the operator's own words. */
export type EgressBounds = {
  /** Opened by the operator, although not public. */
  allow: readonly AddressBlock[]
  /** This machine's addresses. */
  own: readonly string[]
}

type Rule = readonly [EgressRule, readonly AddressBlock[]]

const rule = (name: EgressRule, ...ranges: readonly string[]): Rule => [name, ranges.map(toAddressBlock)]

/** No MCP server lives there: nothing opens these. The first that matches is told. */
const neverRules: readonly Rule[] = [
  // AWS and most others, AWS over IPv6, Google over IPv6, Alibaba, Oracle, Azure.
  rule(
    'metadata',
    '169.254.169.254',
    'fd00:ec2::254',
    'fd20:ce::254',
    '100.100.100.200',
    '192.0.0.192',
    '168.63.129.16',
  ),
  rule('link_local', '169.254.0.0/16', 'fe80::/10'),
  // Linux takes it for loopback. RFC 1122 §3.2.1.3, RFC 4291 §2.5.2.
  rule('unspecified', '0.0.0.0/8', '::'),
  rule('multicast', '224.0.0.0/4', 'ff00::/8'),
  rule('broadcast', '255.255.255.255'),
]

/** What the IANA special-purpose registries do not call globally reachable (RFC 6890), and the local NAT64 of RFC 8215. */
const insideRules: readonly Rule[] = [
  rule('loopback', '127.0.0.0/8', '::1'),
  rule('private', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7', 'fec0::/10'),
  rule('private', '192.0.0.0/24', '198.18.0.0/15', '240.0.0.0/4', '64:ff9b:1::/48'),
]

/**
 * @param address as a resolver gives it, or as it stands in a URL
 * @param bounds null: loopback and private addresses are open, as for what the operator declares
 * @returns the rule that refuses, or null
 */
export function decideEgress(address: string, bounds: EgressBounds | null): EgressRule | null {
  const bits = toAddressBits(address)
  if (bits === null) return 'unreadable'
  const readings = readingsOf(bits)
  return findRule(readings, neverRules) ?? (bounds && decideInside(readings, bounds))
}

function decideInside(readings: readonly bigint[], { allow, own }: EgressBounds): EgressRule | null {
  if (readings.some((bits) => isWithin(bits, allow))) return null
  const refused = findRule(readings, insideRules)
  if (refused !== null) return refused
  const isOwn = own.some((address) => readings.some((bits) => bits === toAddressBits(address)))
  return isOwn ? 'own_address' : null
}

function findRule(readings: readonly bigint[], rules: readonly Rule[]): EgressRule | null {
  return rules.find(([, blocks]) => readings.some((bits) => isWithin(bits, blocks)))?.[0] ?? null
}
