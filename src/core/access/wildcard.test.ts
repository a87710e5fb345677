import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canBothMatch, hasWildcard, matchesWildcard, startApart } from './wildcard.ts'

/** The same language, spelt as a regular expression. */
function oracle(pattern: string): RegExp {
  const parts = Array.from({ length: pattern.length }, (_, at) => {
    const char = pattern.charAt(at)
    if (char === '*') return '[^]*'
    return char === '?' ? '[^]' : `\\u${pattern.charCodeAt(at).toString(16).padStart(4, '0')}`
  })
  return new RegExp(`^${parts.join('')}$`)
}

const few = (chars: string) => fc.string({ unit: fc.constantFrom(...chars.split('')), maxLength: 12 })

describe('matchesWildcard', () => {
  it.each([
    ['read_file', 'read_file', true],
    ['read_file', 'read_file2', false],
    ['read_file', 'Read_file', false],
    ['*', '', true],
    ['*', 'anything\nat all', true],
    ['**', '', true],
    ['', '', true],
    ['', 'a', false],
    ['delete_*', 'delete_', true],
    ['delete_*', 'delete', false],
    ['*_delete', 'db_delete', true],
    ['*_delete', 'db_delete_all', false],
    ['ab*ba', 'aba', false],
    ['ab*ba', 'abba', true],
    ['ab*ba', 'ab--ba--ba', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['get_?', 'get_x', true],
    ['get_?', 'get_', false],
    ['get_?', 'get_xy', false],
    ['?*', '', false],
    ['*?', 'x', true],
    ['*.*', 'a.b', true],
    ['.*', 'ab', false],
    ['[a-z]', 'a', false],
    ['[a-z]', '[a-z]', true],
    ['*', '*', true],
    ['a*', 'a*', true],
    ['*a', '**a', true],
  ])('%j matches %j: %s', (pattern, text, isMatch) => {
    expect(matchesWildcard(pattern, text)).toBe(isMatch)
  })

  it('agrees with a regular expression on short texts of few letters', () => {
    fc.assert(
      fc.property(few('ab*?'), few('ab*'), (pattern, text) => {
        expect(matchesWildcard(pattern, text)).toBe(oracle(pattern).test(text))
      }),
      { numRuns: 5_000 },
    )
  })

  it('agrees with a regular expression on any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 8 }), few('*?a\n\\.['), (text, pattern) => {
        expect(matchesWildcard(pattern, text)).toBe(oracle(pattern).test(text))
        expect(matchesWildcard(text, text)).toBe(true)
        expect(matchesWildcard(`*${text}*`, `${pattern}${text}${pattern}`)).toBe(true)
      }),
    )
  })

  it('takes no more than half a second where a backtracking matcher takes ages', () => {
    const text = 'a'.repeat(4_000)
    const hard: readonly (readonly [string, string])[] = [
      ['*a*a*a*b', text],
      [`${'*a'.repeat(30)}*b`, text],
      [`*${'a'.repeat(100)}b`, text],
      [`${'*?'.repeat(1_000)}b`, text],
      ['*'.repeat(4_000), text],
    ]
    for (const [pattern, subject] of hard) {
      const start = performance.now()
      const isMatch = matchesWildcard(pattern, subject)
      expect(performance.now() - start).toBeLessThan(500)
      expect(isMatch).toBe(!pattern.endsWith('b'))
    }
  })
})

describe('canBothMatch', () => {
  it.each([
    ['read_*', 'write_*', false],
    ['read_*', '*_file', true],
    ['ab*', '*bc', true],
    ['ab*', '*ba', true],
    ['a*c', 'ab', false],
    ['a?', '?b', true],
    ['a?', '?', false],
    ['?*', '', false],
    ['**', '', true],
    ['*a*b*', '*b*a*', true],
    ['*a', '*b', false],
  ])('%j and %j: %s', (one, other, expected) => {
    expect([canBothMatch(one, other), canBothMatch(other, one)]).toEqual([expected, expected])
  })

  it('is told from the start of most that have none', () => {
    expect([startApart('read_*', 'write_*'), startApart('read_*', '*write'), startApart('a', 'ab')]).toEqual([
      true,
      false,
      false,
    ])
  })

  it('says so of two patterns exactly where there is a text that both match', () => {
    const texts = ['']
    for (const text of texts) if (text.length < 8) texts.push(`${text}a`, `${text}b`)
    const short = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 4 })
    fc.assert(
      fc.property(short, short, (one, other) => {
        const isShared = texts.some((text) => matchesWildcard(one, text) && matchesWildcard(other, text))
        expect(canBothMatch(one, other)).toBe(isShared)
        expect(startApart(one, other) && isShared).toBe(false)
      }),
      { numRuns: 5_000 },
    )
  })
})

describe('hasWildcard', () => {
  it.each([
    ['read_file', false],
    ['', false],
    ['a*', true],
    ['?', true],
    ['[a].+', false],
  ])('%j: %s', (pattern, expected) => {
    expect(hasWildcard(pattern)).toBe(expected)
  })
})
