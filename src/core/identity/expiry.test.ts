import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseExpiry } from './expiry.ts'

const now = Date.parse('2026-11-21T12:00:00Z')
const at = (text: string) => ({ expiresAt: Date.parse(text) })

describe('parseExpiry', () => {
  it.each([
    ['never', { expiresAt: null }],
    ['30d', at('2026-12-21T12:00:00Z')],
    ['90m', at('2026-11-21T13:30:00Z')],
    ['12h', at('2026-11-22T00:00:00Z')],
    ['2w', at('2026-12-05T12:00:00Z')],
    ['1y', at('2027-11-21T12:00:00Z')],
    ['2027-01-31', at('2027-01-31T23:59:59.999Z')],
    ['2026-11-21', at('2026-11-21T23:59:59.999Z')],
    ['2028-02-29', at('2028-02-29T23:59:59.999Z')],
    ['2027-01-31T12:00Z', at('2027-01-31T12:00:00Z')],
    ['2027-01-31T12:00:00.5+02:00', at('2027-01-31T10:00:00.500Z')],
  ])('reads %s', (text, expiry) => {
    expect(parseExpiry(text, now)).toEqual(expiry)
  })

  it.each([
    ['2026-11-20', 'in_the_past'],
    ['2026-11-21T12:00:00Z', 'in_the_past'],
    ['0d', 'in_the_past'],
    ['101y', 'too_far'],
    ['9999-12-31', 'too_far'],
    ['999999999d', 'too_far'],
    ...[
      '',
      ' 30d',
      '30',
      '30D',
      '-1d',
      '1.5d',
      '1e3d',
      '30d12h',
      'Never',
      'tomorrow',
      '1795003200000',
      '2027-02-30',
      '2027-02-29T12:00:00Z',
      '2027-13-01',
      '2027-1-1',
      '31.01.2027',
      '2027-01-31T12:00:00',
      '2027-01-31T24:00:00Z',
      '+012027-01-31',
      '٣٠d',
      '1constructor',
      `${'9'.repeat(100_000)}d`,
    ].map((text) => [text, 'not_understood']),
  ])('refuses %s', (text, problem) => {
    expect(parseExpiry(text, now)).toEqual({ problem })
  })

  it('never gives a time that has passed', () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true }), (date) => {
        const expiry = parseExpiry(date.toISOString(), now)
        expect('problem' in expiry || (expiry.expiresAt ?? Infinity) > now).toBe(true)
      }),
    )
  })
})
