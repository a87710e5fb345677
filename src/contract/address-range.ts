/** Addresses of clients and proxies, as the configuration names them. */
import { z } from 'zod'

export const AddressRange = z.union(
  [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()],
  'must be an address, or a range such as 10.0.0.0/8',
)

/** RFC 1918, loopback, link-local (RFC 3927, RFC 4291), and unique local addresses of IPv6 (RFC 4193). */
export const usualInternalRanges: readonly string[] = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
]
