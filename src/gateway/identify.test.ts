import { describe, expect, it } from 'vitest'
import { policy } from '#test/support/upstreams.ts'
import { compileIdentities, identify } from './identify.ts'

const hash = (text: string) => `hash of ${text}`
const raw = `tg_${'a'.repeat(32)}`
const other = `tg_${'b'.repeat(32)}`
const token = (name: string, more: object = {}) => ({
  id: `id-${name}`,
  name,
  hash: hash(raw),
  policies: ['p'],
  expiresAt: null,
  createdAt: 0,
  ...more,
})
const readers = [policy('p', { rules: [{ server: '*', tool: '*', level: 'read' }] }), policy('q', { default: 'admin' })]
const identities = compileIdentities([token('one'), token('two', { hash: hash(other), expiresAt: 2_000 })], readers)
const at = (now: number, authorization: string | undefined) => () => identify(authorization, identities, { now, hash })
const unauthorized = expect.objectContaining({ code: 'unauthorized', details: {} })

describe('identify', () => {
  it('gives the token’s principal, with its policies compiled', () => {
    const principal = at(0, `Bearer ${raw}`)()
    expect(principal).toMatchObject({ id: 'id-one', tokenId: 'id-one', tokenName: 'one', expiresAt: null })
    expect(principal.access.tool('s', 't').level).toBe('read')
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

describe('compileIdentities', () => {
  it('shares one access among tokens of equal policies, in whatever order', () => {
    const both = compileIdentities(
      [token('one', { policies: ['p', 'q'] }), token('two', { hash: hash(other), policies: ['q', 'p'] })],
      readers,
    )
    const [one, two] = [both.byDigest(hash(raw)), both.byDigest(hash(other))]
    expect(one?.access).toBeDefined()
    expect(one?.access).toBe(two?.access)
  })

  it('grants nothing for a policy that does not exist', () => {
    const one = compileIdentities([token('one', { policies: ['gone'] })], readers).byDigest(hash(raw))
    expect(one?.access.tool('s', 't').level).toBe('deny')
    expect(one?.access.mayReach('s')).toBe(false)
  })

  it('does not take two policies for one of a joined name', () => {
    const both = compileIdentities(
      [token('one', { policies: ['p,q'] }), token('two', { hash: hash(other), policies: ['p', 'q'] })],
      readers,
    )
    const [joined, apart] = [both.byDigest(hash(raw)), both.byDigest(hash(other))]
    expect(joined?.access.tool('s', 't').level).toBe('deny')
    expect(apart?.access.tool('s', 't').level).toBe('admin')
  })
})
