import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import { checkCookies, compileCookies, type CookieRule } from './cookies.ts'

function filtered(rule: CookieRule, header: string | string[] | undefined): string | null {
  return compileCookies(rule)?.(header) ?? null
}

/** What is refused sends nothing. */
function orNothing(run: () => string | null): string {
  try {
    return run() ?? ''
  } catch (error) {
    if (error instanceof GatewayError) return ''
    throw error
  }
}

describe('compileCookies', () => {
  it.each<[string, CookieRule, string | string[] | undefined, string | null]>([
    ['those that are named, in the order they came', { names: ['b', 'a'] }, 'a=1; x=2; b=3', 'a=1; b=3'],
    [
      'those that begin with the prefix',
      { names: [], prefix: 'acme_' },
      'acme_b=1; acme=2; acme_a=3',
      'acme_b=1; acme_a=3',
    ],
    ['those that have either', { names: ['sid'], prefix: 'acme_' }, 'acme_a=1; x=2; sid=3', 'acme_a=1; sid=3'],
    ['nothing that has no "="', { names: ['sid', 'a'] }, 'sid; a=1; =sid', 'a=1'],
    ['nothing without a name', { names: ['*'] }, '=toolgate_session=s; a=1', 'a=1'],
    ['a value with "=" in it', { names: ['a'] }, 'a=b=c', 'a=b=c'],
    ['an empty value', { names: ['a'] }, 'a=', 'a='],
    ['the same name twice', { names: ['a'] }, 'a=1;a=2', 'a=1; a=2'],
    ['cookies of several headers', { names: ['a', 'b'] }, ['a=1', 'x=0; b=2'], 'a=1; b=2'],
    ['names by their case', { names: ['Sid'] }, 'sid=1; SID=2; Sid=3', 'Sid=3'],
    ['all, where that is written', { names: ['*'] }, 'a=1; b=2', 'a=1; b=2'],
    ['nothing, where nothing is left', { names: ['a'] }, 'b=1', null],
    ['nothing, where nothing came', { names: ['a'] }, undefined, null],
    ['no star of a name', { names: ['a*'] }, 'ab=1', null],
  ])('passes %s', (...[, rule, header, expected]) => {
    expect(filtered(rule, header)).toBe(expected)
  })

  it('does nothing at all where no cookie is named', () => {
    expect(compileCookies({ names: [] })).toBeNull()
    expect(compileCookies({ names: [], prefix: '' })).toBeNull()
  })

  it.each([
    'toolgate_session',
    'toolgate_csrf',
    '__Host-toolgate',
    '__Host-toolgate_session',
    '__host-toolgate_session',
    '__Secure-toolgate_session',
    'TOOLGATE_SESSION',
  ])('never passes %s, whatever is configured', (name) => {
    const rules: CookieRule[] = [{ names: ['*'] }, { names: [name] }, { names: [], prefix: name.slice(0, 3) }]
    for (const rule of rules) {
      expect(filtered(rule, `${name}=s3cret`)).toBeNull()
      expect(filtered(rule, ` ${name} =s3cret`)).toBeNull()
    }
  })

  it.each([
    ['a line break', 'a=1\r\nx-injected: 1'],
    ['a lone line feed', 'a=1\n'],
    ['a NUL', 'a=\0'],
    ['what is not ASCII', 'a=é'],
  ])('refuses a cookie with %s by the name of the header, and does not repeat it', (_what, header) => {
    const filter = compileCookies({ names: ['a'] })
    expect(() => filter?.(header)).toThrow(expect.objectContaining({ code: 'invalid_header' }))
    expect(() => filter?.(header)).toThrow(
      expect.objectContaining({ details: { header: 'cookie', reason: 'it holds characters that no cookie may have' } }),
    )
  })

  it('is not kept busy by spaces', () => {
    const filter = compileCookies({ names: ['a'] })
    const header = `a=1; c=${' '.repeat(30_000)}d`
    const start = performance.now()
    for (let round = 0; round < 5; round++) expect(filter?.(header)).toBe('a=1')
    // A pattern took ten seconds.
    expect(performance.now() - start).toBeLessThan(2_000)
  })

  it('looks at no cookie that does not pass', () => {
    expect(filtered({ names: ['a'] }, `b=é; a=1; c=${'x'.repeat(20_000)}`)).toBe('a=1')
  })

  it('refuses more than 8192 bytes', () => {
    expect(filtered({ names: ['a'] }, `a=${'x'.repeat(8_190)}`)).toHaveLength(8_192)
    expect(() => filtered({ names: ['a'] }, `a=${'x'.repeat(8_191)}`)).toThrow(
      expect.objectContaining({ code: 'invalid_header', details: { header: 'cookie', reason: 'it is too long' } }),
    )
  })

  const names = ['sid', 'acme_a', 'acme_b', 'x', 'toolgate_session', '__Host-toolgate_session', '__Host-x', '']
  const pair = fc.oneof(
    fc.tuple(fc.constantFrom(...names), fc.string({ maxLength: 8 })).map(([name, value]) => `${name}=${value}`),
    fc.string({ maxLength: 12 }),
  )

  it('passes names of the list alone, in their order, and nothing that could end the header', () => {
    fc.assert(
      fc.property(fc.array(pair), fc.constantFrom(';', '; ', ' ;'), (pairs, between) => {
        const header = pairs.join(between)
        const value = orNothing(() => filtered({ names: ['sid'], prefix: 'acme_' }, header))
        expect(value).toMatch(/^[\t\x20-\x7e]*$/)
        let at = 0
        for (const kept of value.split('; ').filter((text) => text !== '')) {
          expect(kept).toMatch(/^(sid|acme_[^=]*?)[ \t]*=/)
          at = header.indexOf(kept, at)
          expect(at).toBeGreaterThanOrEqual(0)
          at += kept.length
        }
      }),
    )
  })

  it('never passes a session cookie of ours, however the header is put together', () => {
    const piece = fc.constantFrom('toolgate_session', '__Host-', 'toolgate', '=', ';', ' ', '\t', 'a', '"', ',')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        for (const kept of filtered({ names: ['*'] }, pieces.join(''))?.split(';') ?? [])
          expect(kept.split('=')[0]?.trim()).not.toMatch(/^(__Host-)?toolgate/i)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('checkCookies', () => {
  const there = { publicUrl: 'https://gw.example.com', upstreamUrl: 'https://mcp.other.test' }

  it('refuses every cookie for a server of another site, and takes names', () => {
    expect(() => checkCookies({ names: ['sid', '*'] }, there)).toThrow(
      expect.objectContaining({ code: 'config_invalid', details: expect.objectContaining({ cookies: '*' }) }),
    )
    expect(() => checkCookies({ names: ['sid'], prefix: 'acme_' }, there)).not.toThrow()
  })

  it('takes every cookie for a server below the own host', () => {
    expect(() => checkCookies({ names: ['*'] }, { ...there, upstreamUrl: 'https://mcp.gw.example.com' })).not.toThrow()
  })
})
