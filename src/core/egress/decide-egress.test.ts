import { isIP } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toAddressBits, toAddressBlock } from './address-bits.ts'
import { decideEgress, type EgressBounds } from './decide-egress.ts'

const bounds = (...allow: string[]): EgressBounds => ({ allow: allow.map(toAddressBlock), own: ['198.51.100.7'] })

const never: [string, string][] = [
  ['169.254.169.254', 'metadata'],
  ['fd00:ec2::254', 'metadata'],
  ['fd20:ce::254', 'metadata'],
  ['100.100.100.200', 'metadata'],
  ['192.0.0.192', 'metadata'],
  ['168.63.129.16', 'metadata'],
  ['169.254.0.1', 'link_local'],
  ['169.254.170.2', 'link_local'],
  ['fe80::1', 'link_local'],
  ['febf:ffff::1', 'link_local'],
  ['fe80::1%eth0', 'link_local'],
  ['0.0.0.0', 'unspecified'],
  ['0.1.2.3', 'unspecified'],
  ['::', 'unspecified'],
  ['224.0.0.1', 'multicast'],
  ['239.255.255.255', 'multicast'],
  ['ff02::1', 'multicast'],
  ['255.255.255.255', 'broadcast'],
]

const inside: [string, string][] = [
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['::1', 'loopback'],
  ['10.0.0.1', 'private'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.168.1.1', 'private'],
  ['100.64.0.1', 'private'],
  ['100.127.255.255', 'private'],
  ['fc00::1', 'private'],
  ['fdff::1', 'private'],
  ['fec0::1', 'private'],
  ['198.18.0.1', 'private'],
  ['240.0.0.1', 'private'],
  ['64:ff9b:1::a00:1', 'private'],
  ['198.51.100.7', 'own_address'],
]

const outside = [
  '1.1.1.1',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.0',
  '169.253.255.255',
  '169.255.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '192.167.255.255',
  '223.255.255.255',
  '198.51.100.8',
  '2606:4700::1111',
  '64:ff9b::101:101',
  '::ffff:1.1.1.1',
  '2001:4860:4860::8888',
]

describe('decideEgress', () => {
  it.each(never)('refuses %s to everybody: %s', (address, rule) => {
    expect(decideEgress(address, null)).toBe(rule)
    expect(decideEgress(address, bounds('0.0.0.0/0', '::/0'))).toBe(rule)
  })

  it.each(inside)('refuses %s within bounds (%s), and opens it where it is declared or allowed', (address, rule) => {
    expect(decideEgress(address, bounds())).toBe(rule)
    expect(decideEgress(address, null)).toBeNull()
    expect(decideEgress(address, bounds(address))).toBeNull()
  })

  it.each(outside)('lets %s through', (address) => {
    expect(decideEgress(address, bounds())).toBeNull()
  })

  it.each([
    '',
    'localhost',
    '1.2.3',
    '256.1.1.1',
    '01.2.3.4',
    '0x7f.0.0.1',
    '1::2::3',
    '1:2:3:4:5:6:7',
    'g::',
    ':::',
    '1:2:3:4:5:6:7:8:9',
  ])('refuses %j, which is no address', (text) => {
    expect(decideEgress(text, null)).toBe('unreadable')
  })

  it('opens what is allowed and nothing beside it', () => {
    const held = bounds('10.2.0.0/16', '127.0.0.1', 'fd12::/16')
    const opened = ['10.2.3.4', '::ffff:10.2.3.4', '127.0.0.1', 'fd12::1'].map((address) => decideEgress(address, held))
    expect(opened).toEqual([null, null, null, null])
    const closed = ['10.3.0.0', '127.0.0.2', 'fd13::1', '::1'].map((address) => decideEgress(address, held))
    expect(closed).toEqual(['private', 'loopback', 'private', 'loopback'])
  })
})

const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255))

/** The ways in which an IPv6 address stands for an IPv4 address. */
function carriersOf(v4: string): string[] {
  const [a = 0, b = 0, c = 0, d = 0] = v4.split('.').map(Number)
  const [high, low] = [((a << 8) | b).toString(16), ((c << 8) | d).toString(16)]
  const inverted = [((a << 8) | b) ^ 0xffff, ((c << 8) | d) ^ 0xffff].map((group) => group.toString(16)).join(':')
  return [
    `::ffff:${v4}`,
    `::FFFF:${high}:${low}`,
    `0:0:0:0:0:ffff:${high}:${low}`,
    `0000:0000:0000:0000:0000:ffff:${v4}`,
    `::ffff:${v4}%1`,
    `64:ff9b::${v4}`,
    `0064:ff9b:0::${high}:${low}`,
    `::ffff:0:${v4}`,
    `2002:${high}:${low}::`,
    `2002:${high}:${low}:1:2:3:4:5`,
    `2001:0:1:2:3:4:${inverted}`,
  ]
}

/** One IPv6 address in some of the ways to write it. */
function spellingsOf(groups: readonly number[]): string[] {
  const hex = groups.map((group) => group.toString(16))
  const start = hex.findIndex((group) => group === '0')
  const end = hex.findIndex((group, index) => index > start && group !== '0')
  const shortened =
    start === -1 ? [] : [`${hex.slice(0, start).join(':')}::${end === -1 ? '' : hex.slice(end).join(':')}`]
  return [
    hex.join(':'),
    hex.join(':').toUpperCase(),
    hex.map((group) => group.padStart(4, '0')).join(':'),
    `${hex.join(':')}%eth0`,
    ...shortened,
  ]
}

describe('every spelling', () => {
  it('of a refused IPv4 address is refused', () => {
    const forbidden = octets.map((parts) => parts.join('.')).filter((v4) => decideEgress(v4, bounds()) !== null)
    const listed = fc.constantFrom(
      ...[...never, ...inside].map(([address]) => address).filter((text) => isIP(text) === 4),
    )
    fc.assert(
      fc.property(fc.oneof(listed, forbidden), (v4) => {
        const texts = carriersOf(v4)
        expect(texts.filter((text) => isIP(text) !== 6)).toEqual([])
        expect(texts.filter((text) => decideEgress(text, bounds()) === null)).toEqual([])
      }),
    )
  })

  it('of one IPv6 address is that address', () => {
    const group = fc.oneof(fc.constant(0), fc.nat(0xffff))
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const texts = spellingsOf(groups)
        expect(texts.every((text) => isIP(text) === 6)).toBe(true)
        expect(new Set(texts.map(toAddressBits)).size).toBe(1)
        expect(new Set(texts.map((text) => decideEgress(text, bounds()))).size).toBe(1)
      }),
    )
  })

  it('that Node connects to without a resolver, and no other, is known as an address', () => {
    const word = fc.stringMatching(/^[0-9a-fA-F.:%]{0,24}$/)
    fc.assert(
      fc.property(fc.oneof(word, fc.ipV4(), fc.ipV6(), fc.ipV4Extended()), (text) => {
        // A zone is not looked at, so more than Node's is taken for one: it is judged, and that costs nothing.
        const zoneless = text.split('%', 1)[0] ?? ''
        expect([text, isIP(text) === 0 || toAddressBits(text) !== null]).toEqual([text, true])
        expect([zoneless, toAddressBits(zoneless) !== null]).toEqual([zoneless, isIP(zoneless) !== 0])
      }),
      { numRuns: 2_000 },
    )
  })
})
