/** IP addresses as numbers of 128 bits, so that every spelling of one is one. An IPv4 address is its mapped form (RFC 4291 §2.5.5.2). */

export type AddressBlock = { prefix: bigint; hostBits: bigint }

const mappedPrefix = 0xffff_0000_0000n
const low32 = 0xffff_ffffn

/** @returns null where the text is no address, as a name is none. A zone (RFC 4007 §11) says nothing of where an address belongs. */
export function toAddressBits(text: string): bigint | null {
  const v4 = toV4Bits(text)
  if (v4 !== null) return mappedPrefix | v4
  return toV6Bits(text.split('%', 1)[0] ?? '')
}

const v4Form = /^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/

function toV4Bits(text: string): bigint | null {
  if (!v4Form.test(text)) return null
  const parts = text.split('.').map(Number)
  return parts.every((part) => part <= 255) ? join(parts, 8n) : null
}

/** RFC 4291 §2.2, all three forms. */
function toV6Bits(text: string): bigint | null {
  const [head = '', tail, ...more] = text.split('::')
  if (more.length > 0) return null
  const before = toGroups(head, tail === undefined)
  const after = toGroups(tail ?? '', true)
  if (before === null || after === null) return null
  const missing = 8 - before.length - after.length
  const isWhole = tail === undefined ? missing === 0 : missing > 0
  if (!isWhole) return null
  return join([...before, ...Array.from({ length: missing }, () => 0), ...after], 16n)
}

/** @param isEnd whether the last two groups may be written as an IPv4 address */
function toGroups(text: string, isEnd: boolean): number[] | null {
  if (text === '') return []
  const words = text.split(':')
  const v4 = isEnd ? toV4Bits(words.at(-1) ?? '') : null
  const hex = v4 === null ? words : words.slice(0, -1)
  if (!hex.every((word) => /^[0-9a-f]{1,4}$/i.test(word))) return null
  const groups = hex.map((word) => Number.parseInt(word, 16))
  return v4 === null ? groups : [...groups, Number(v4 >> 16n), Number(v4 & 0xffffn)]
}

function join(parts: readonly number[], bitsEach: bigint): bigint {
  return parts.reduce((bits, part) => (bits << bitsEach) | BigInt(part), 0n)
}

/** @param range an address, or a block such as `10.0.0.0/8`. @throws RangeError: who reads a configuration has checked it */
export function toAddressBlock(range: string): AddressBlock {
  const [address = '', length] = range.split('/')
  const bits = toAddressBits(address)
  if (bits === null) throw new RangeError('not an address')
  const width = address.includes(':') ? 128n : 32n
  const hostBits = length === undefined ? 0n : width - BigInt(length)
  return { prefix: bits >> hostBits, hostBits }
}

export function isWithin(bits: bigint, blocks: readonly AddressBlock[]): boolean {
  return blocks.some(({ prefix, hostBits }) => bits >> hostBits === prefix)
}

const loopback = 1n
/** Prefixes of 96 bits before an IPv4 address: RFC 4291 §2.5.5.1, RFC 2765 §2.1, and NAT64, RFC 6052 §2.1. */
const translatedPrefixes = [0n, 0xffff_0000n, 0x64_ff9b_0000_0000_0000_0000n]

/** The address, and the IPv4 address that a packet to it may end up at. */
export function readingsOf(bits: bigint): bigint[] {
  if (bits === loopback) return [bits]
  if (translatedPrefixes.includes(bits >> 32n)) return [bits, mappedPrefix | (bits & low32)]
  // 6to4, RFC 3056 §2.
  if (bits >> 112n === 0x2002n) return [bits, mappedPrefix | ((bits >> 80n) & low32)]
  // Teredo, RFC 4380 §4: the client's address is inverted.
  if (bits >> 96n === 0x2001_0000n) return [bits, mappedPrefix | ((bits & low32) ^ low32)]
  return [bits]
}
