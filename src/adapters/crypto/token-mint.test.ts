import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { isTokenForm } from '#core/identity/token-form.ts'
import { hashToken, mintToken } from './token-mint.ts'

describe('mintToken', () => {
  it('gives tokens of the minted form, with the hash that a lookup finds', () => {
    for (let round = 0; round < 200; round++) {
      const { raw, hash } = mintToken()
      expect(raw).toMatch(/^tg_[A-Za-z0-9_-]{43}[A-Za-z0-9]{6}$/)
      expect(isTokenForm(raw)).toBe(true)
      expect(hash).toBe(hashToken(raw))
    }
  })

  it('never gives the same token twice', () => {
    const tokens = Array.from({ length: 1_000 }, () => mintToken().raw)
    expect(new Set(tokens).size).toBe(1_000)
  })
})

describe('hashToken', () => {
  it('is the lower-case hex SHA-256 of the whole token', () => {
    expect(hashToken('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    expect(hashToken('tg_é😀')).toBe(createHash('sha256').update('tg_é😀', 'utf8').digest('hex'))
  })
})
