import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { createClientRanges, isInternalClient, toCountedAddress } from './client-ranges.ts'

const from = (remoteAddress: string | undefined, forwardedFor?: string) =>
  ({
    socket: { remoteAddress },
    headers: forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor },
  }) as unknown as IncomingMessage

const usual = createClientRanges({})

describe('isInternalClient', () => {
  it.each([
    ['10.1.2.3', true],
    ['172.16.0.1', true],
    ['172.31.255.255', true],
    ['172.32.0.1', false],
    ['192.168.1.1', true],
    ['192.169.1.1', false],
    ['127.0.0.1', true],
    ['169.254.1.1', true],
    ['::1', true],
    ['fd12:3456::1', true],
    ['fe80::1', true],
    ['fe80::1%eth0', true],
    ['::ffff:10.0.0.1', true],
    ['::ffff:8.8.8.8', false],
    ['8.8.8.8', false],
    ['2001:db8::1', false],
    ['11.0.0.1', false],
    ['', false],
    [undefined, false],
    ['localhost', false],
  ])('%s: %s', (address, isInternal) => {
    expect(isInternalClient(from(address), usual)).toBe(isInternal)
  })

  it('does not believe what anybody says of himself', () => {
    expect(isInternalClient(from('8.8.8.8', '10.0.0.1'), usual)).toBe(false)
    expect(isInternalClient(from('10.0.0.1', '8.8.8.8'), usual)).toBe(true)
  })

  it.each([
    ['8.8.8.8', false],
    ['10.0.0.7', true],
    ['10.0.0.7, 8.8.8.8', false],
    ['8.8.8.8, 10.0.0.7', true],
    ['10.0.0.7,203.0.113.9', true],
    ['8.8.8.8, 203.0.113.9', false],
    ['203.0.113.9', false],
    ['', false],
    ['unknown', false],
    ['10.0.0.7, unknown', false],
    ['10.0.0.7:4711', false],
    [undefined, false],
  ])('believes a trusted proxy that speaks for %s: %s', (forwardedFor, isInternal) => {
    const ranges = createClientRanges({ trustedProxies: ['203.0.113.0/24'] })
    expect(isInternalClient(from('203.0.113.5', forwardedFor), ranges)).toBe(isInternal)
  })

  it('takes the configured ranges in the place of the usual ones', () => {
    const ranges = createClientRanges({ internalRanges: ['198.51.100.0/24', '2001:db8::/32', '8.8.8.8'] })
    expect(['198.51.100.1', '2001:db8::1', '8.8.8.8'].map((one) => isInternalClient(from(one), ranges))).toEqual([
      true,
      true,
      true,
    ])
    expect(isInternalClient(from('10.0.0.1'), ranges)).toBe(false)
  })
})

describe('toCountedAddress', () => {
  const ranges = createClientRanges({ trustedProxies: ['203.0.113.0/24', '2001:db8:ff::/48'] })

  it.each([
    ['198.51.100.7', undefined, '198.51.100.7'],
    ['198.51.100.7', '192.0.2.1', '198.51.100.7'],
    ['::ffff:198.51.100.7', undefined, '198.51.100.7'],
    ['203.0.113.5', '192.0.2.1', '192.0.2.1'],
    ['203.0.113.5', '192.0.2.99, 192.0.2.1, 203.0.113.9', '192.0.2.1'],
    ['203.0.113.5', '::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:ff::1', '192.0.2.1', '192.0.2.1'],
    ['203.0.113.5', undefined, '203.0.113.5'],
    ['203.0.113.5', '203.0.113.9', '203.0.113.5'],
    ['203.0.113.5', '', '203.0.113.5'],
    ['203.0.113.5', '192.0.2.1, unknown', '203.0.113.5'],
    ['203.0.113.5', '192.0.2.1 of mia', '203.0.113.5'],
    [undefined, undefined, ''],
  ])('is the client’s own where it can be known: %s for %s', (peer, forwardedFor, counted) => {
    expect(toCountedAddress(from(peer, forwardedFor), ranges)).toBe(counted)
  })

  it.each([
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::', '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8:0:0::/64'],
    ['2001:db8:1::3:4:5:6', '2001:db8:1:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
  ])('is the network of an IPv6 client, in which it has as many addresses as it likes: %s', (address, counted) => {
    expect(toCountedAddress(from(address), ranges)).toBe(counted)
  })
})
