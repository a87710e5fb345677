import { describe, expect, it } from 'vitest'
import { principal } from '#test/support/upstreams.ts'
import { identify, nobody } from './identify.ts'

const hash = (text: string) => `hash of ${text}`
const raw = `tg_${'a'.repeat(32)}`
const other = `tg_${'b'.repeat(32)}`
const one = principal('one')
const two = { ...principal('two'), expiresAt: 2_000 }
const identities = {
  ...nobody,
  byDigest: (digest: string) => ({ [hash(raw)]: one, [hash(other)]: two })[digest],
}
const at = (now: number, authorization: string | undefined) => () => identify(authorization, identities, { now, hash })
const unauthorized = expect.objectContaining({ code: 'unauthorized', details: {} })

describe('identify', () => {
  it('gives the token’s principal', () => {
    expect(at(0, `Bearer ${raw}`)()).toBe(one)
  })

  it('takes the scheme in any letters and any number of spaces', () => {
    expect(at(0, `bearer   ${raw}`)().tokenName).toBe('one')
  })

  it('takes a token until it expires, and not from that moment on', () => {
    expect(at(1_999, `Bearer ${other}`)().tokenName).toBe('two')
    expect(at(2_000, `Bearer ${other}`)).toThrow(unauthorized)
  })

  it.each([
    ['nothing', undefined],
    ['an empty header', ''],
    ['another scheme', `Basic ${raw}`],
    ['a bare token', raw],
    ['a token of no known form', 'Bearer secret'],
    ['an unknown token', `Bearer tg_${'c'.repeat(32)}`],
    ['two tokens', `Bearer ${raw}, Bearer ${raw}`],
    ['a token and more', `Bearer ${raw} x`],
  ])('refuses %s, and does not say why', (_what, authorization) => {
    expect(at(0, authorization)).toThrow(unauthorized)
  })

  it('does not hash what has not the form of a token', () => {
    const fail = (): string => {
      throw new Error('hashed')
    }
    expect(() => identify('Bearer not-a-token', identities, { now: 0, hash: fail })).toThrow(unauthorized)
  })
})
