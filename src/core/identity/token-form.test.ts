import { crc32 } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTokenForm, tokenChecksum } from '#core/identity/token-form.ts'

const random = 'A'.repeat(43)
const minted = `tg_${random}${tokenChecksum(`tg_${random}`)}`
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const urlSafe = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...Array.from(alphabet)), minLength, maxLength })

describe('tokenChecksum', () => {
  it('is the CRC-32 of zlib, in six base62 digits', () => {
    const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
    fc.assert(
      fc.property(urlSafe(0, 80), (text) => {
        const value = Array.from(tokenChecksum(text)).reduce((sum, digit) => sum * 62 + digits.indexOf(digit), 0)
        expect(value).toBe(crc32(text))
      }),
    )
  })

  it('never changes, because scanners know it', () => {
    expect(tokenChecksum('')).toBe('000000')
    expect(tokenChecksum(`tg_${random}`)).toBe('3YJofn')
  })
})

describe('isTokenForm', () => {
  it('accepts a minted token', () => {
    expect(minted).toHaveLength(52)
    expect(isTokenForm(minted)).toBe(true)
  })

  it('refuses a minted token of which any one character was changed', () => {
    for (let index = 3; index < minted.length; index++) {
      const other = minted[index] === 'x' ? 'y' : 'x'
      expect(isTokenForm(minted.slice(0, index) + other + minted.slice(index + 1))).toBe(false)
    }
  })

  it('accepts a secret of 32 to 200 url-safe characters without a checksum', () => {
    fc.assert(
      fc.property(
        urlSafe(32, 200).filter((rest) => rest.length !== 49),
        (rest) => {
          expect(isTokenForm(`tg_${rest}`)).toBe(true)
        },
      ),
    )
  })

  it('refuses lengths outside 32 to 200', () => {
    expect(isTokenForm(`tg_${'a'.repeat(31)}`)).toBe(false)
    expect(isTokenForm(`tg_${'a'.repeat(201)}`)).toBe(false)
    expect(isTokenForm('')).toBe(false)
    expect(isTokenForm(`tg_${'a'.repeat(10_000_000)}`)).toBe(false)
  })

  it.each([' ', '.', '=', '+', '/', '\n', '\0', 'é', 'a\u0301', '😀', '\ud800'])(
    'refuses %j anywhere in the text',
    (char) => {
      expect(isTokenForm(`tg_${char}${'a'.repeat(40)}`)).toBe(false)
      expect(isTokenForm(`tg_${'a'.repeat(20)}${char}${'a'.repeat(20)}`)).toBe(false)
      expect(isTokenForm(`tg_${'a'.repeat(40)}${char}`)).toBe(false)
    },
  )

  it.each(['TG_', 'tg-', 'tk_', 'sk-', ''])('refuses the prefix %j', (prefix) => {
    expect(isTokenForm(prefix + 'a'.repeat(40))).toBe(false)
  })
})
