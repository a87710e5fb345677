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
export function isInternalClient(request: Request, ranges: ClientRanges): boolean {
  const client = clientOf(request, ranges)
  return client !== undefined && contains(ranges.internal, client)
}

type Request = Pick<IncomingMessage, 'socket' | 'headers'>

/** What stands where the client's address belongs, whatever it says; undefined: a proxy that speaks for proxies only. */
function clientOf({ socket, headers }: Request, { proxies }: ClientRanges): string | undefined {
  const peer = socket.remoteAddress ?? ''
  if (!contains(proxies, peer)) return peer
  const named = forwardedFor(headers)
  if (named === undefined) return peer
  return named
    .split(',')
    .map((hop) => hop.trim())
    .findLast((hop) => !contains(proxies, hop))
}

/**
 * For whom something is counted that nobody is known to do: the client's address, or of IPv6 its network (/64), within which a client chooses
 * its address itself (RFC 8981). Where a proxy names no address it is the proxy's own.
 */
export function toCountedAddress(request: Request, ranges: ClientRanges): string {
  const client = plainAddress(clientOf(request, ranges) ?? '')
  const address = isIP(client) === 0 ? plainAddress(request.socket.remoteAddress ?? '') : client
  return isIP(address) === 6 ? `${firstGroups(address).join(':')}::/64` : address
}

function firstGroups(address: string): string[] {
  const [before = '', after] = address.split('::')
  const groups = (text: string | undefined): string[] => (text === undefined || text === '' ? [] : text.split(':'))
  const [head, tail] = [groups(before), groups(after)]
  // An IPv4 address at the end stands for two groups (RFC 4291 §2.2).
  const missing = 8 - head.length - tail.length - (tail.at(-1)?.includes('.') ? 1 : 0)
  const all = after === undefined ? head : [...head, ...Array.from({ length: missing }, () => '0'), ...tail]
  return all.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
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

function plainAddress(address: string): string {
  return mapped.exec(address)?.[1] ?? address.split('%', 1)[0] ?? ''
}

function contains(list: BlockList, address: string): boolean {
  const plain = plainAddress(address)
  const family = isIP(plain)
  return family !== 0 && list.check(plain, family === 6 ? 'ipv6' : 'ipv4')
}
