import { describe, expect, it } from 'vitest'
import { mayExplode, patternEngine } from './pattern-engine.ts'

describe('mayExplode', () => {
  it('sees a repetition or a choice within a repetition', () => {
    for (const source of [
      '(a+)+$',
      '^(a|a)*$',
      '(a?){30}a{30}',
      '((a*))*',
      '(?:a{1,9})+b',
      '(x(y+)z)*',
      '(?<n>a+)*',
      '([a-z]+)*!',
    ]) {
      expect({ source, mayExplode: mayExplode(source) }).toEqual({ source, mayExplode: true })
    }
  })

  it('runs the patterns that schemas have', () => {
    const common = [
      '^[a-z0-9-]+$',
      '^\\d{4}-\\d{2}-\\d{2}$',
      '(a+)b',
      '^(GET|POST)$',
      '(abc)+',
      '\\(a+\\)+',
      '[(a+)]+',
      '',
    ]
    for (const source of common)
      expect({ source, mayExplode: mayExplode(source) }).toEqual({ source, mayExplode: false })
  })
})

describe('patternEngine', () => {
  it('tests what it may', () => {
    expect(patternEngine('^a+$', 'u').test('aaa')).toBe(true)
    expect(patternEngine('^a+$', 'u').test('aab')).toBe(false)
  })

  it('leaves to the server what would run for ever, and texts that are too long', () => {
    const start = performance.now()
    expect(patternEngine('^(a+)+$', 'u').test(`${'a'.repeat(60)}!`)).toBe(true)
    expect(patternEngine('^a*a*a*$', 'u').test(`${'a'.repeat(100_000)}!`)).toBe(true)
    expect(performance.now() - start).toBeLessThan(1_000)
  })

  it('refuses what is no pattern', () => {
    expect(() => patternEngine('(', 'u')).toThrow(SyntaxError)
  })
})
