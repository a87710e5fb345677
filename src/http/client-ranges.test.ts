import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { createClientRanges, isInternalClient } from './client-ranges.ts'

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
