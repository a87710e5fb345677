import { assert, constantFrom, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTokenForm, tokenChecksum } from '#core/identity/token-form.ts'
import { isTokenText } from './token-text.ts'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.split('')

describe('isTokenText', () => {
  it('accepts exactly what the gateway takes for a token', () => {
    const rest = string({ unit: constantFrom(...alphabet, ' ', '.', 'é'), minLength: 28, maxLength: 210 })
    assert(
      property(rest, (text) => {
        expect(isTokenText(`tg_${text}`)).toBe(isTokenForm(`tg_${text}`))
      }),
    )
  })

  it('accepts a minted token and refuses it with another checksum', () => {
    const random = `tg_${'r'.repeat(43)}`
    expect(isTokenText(random + tokenChecksum(random))).toBe(true)
    expect(isTokenText(`${random}000000`)).toBe(false)
  })
})
