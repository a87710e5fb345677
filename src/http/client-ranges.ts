/** Which clients are internal, by their address: some servers are there for these alone. */
import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { usualInternalRanges } from '#contract/address-range.ts'

export type ClientRanges = {
  /** What these say of whom they speak for (`X-Forwarded-For`) is believed. */
  proxies: BlockList
  internal: BlockList
}

/** Each entry is an address, or a range such as `10.0.0.0/8`. */
export function createClientRanges({
  trustedProxies = [],
  internalRanges = usualInternalRanges,
}: {
  trustedProxies?: readonly string[]
  internalRanges?: readonly string[]
}): ClientRanges {
  return { proxies: toBlockList(trustedProxies), internal: toBlockList(internalRanges) }
}

/**
 * Whether the client's address is internal. Of a chain of proxies the last address that none of ours has is the client's; what stands before
 * it the client has written itself. An address that cannot be read is not internal.
 */
export function isInternalClient(
  { socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>,
  ranges: ClientRanges,
): boolean {
  const peer = socket.remoteAddress ?? ''
  if (!contains(ranges.proxies, peer)) return contains(ranges.internal, peer)
  const named = forwardedFor(headers)
  if (named === undefined) return contains(ranges.internal, peer)
  const client = named
    .split(',')
    .map((hop) => hop.trim())
    .findLast((hop) => !contains(ranges.proxies, hop))
  return client !== undefined && contains(ranges.internal, client)
}

function forwardedFor(headers: IncomingMessage['headers']): string | undefined {
  const given = headers['x-forwarded-for']
  return Array.isArray(given) ? given.join(',') : given
}

function toBlockList(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}

/** IPv4 within IPv6 (RFC 4291 §2.5.5.2); and link-local addresses name their zone behind a `%`. */
const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i

function contains(list: BlockList, address: string): boolean {
  const plain = mapped.exec(address)?.[1] ?? address.split('%', 1)[0] ?? ''
  const family = isIP(plain)
  return family !== 0 && list.check(plain, family === 6 ? 'ipv6' : 'ipv4')
}
