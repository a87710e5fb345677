import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PatternIndex } from './pattern-index.ts'
import { matchesWildcard } from './wildcard.ts'

const text = (unit: string, maxLength: number) => fc.string({ unit: fc.constantFrom(...unit.split('')), maxLength })

describe('PatternIndex', () => {
  it.each([
    ['of few letters', 'ab*?', 'ab'],
    ['of many letters', 'abcdefgh_*', 'abcdefgh_'],
    ['of letters far apart', 'a\u{ffff}\u{8000}é*?', 'a\u{ffff}\u{8000}é*?'],
  ])('finds what matches among many patterns %s', (_what, patternUnit, textUnit) => {
    const patterns = fc.uniqueArray(text(patternUnit, 8), { maxLength: 40 })
    fc.assert(
      fc.property(patterns, fc.array(text(textUnit, 12), { maxLength: 6 }), (patterns, texts) => {
        const index = new PatternIndex(patterns)
        for (const one of [...texts, ...texts]) {
          const matching = patterns.filter((pattern) => matchesWildcard(pattern, one))
          expect(index.match(one).toSorted()).toEqual(matching.toSorted())
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('tries each pattern once, however often the text contains its part', () => {
    const patterns = Array.from({ length: 2_000 }, (_, number) => `*aaaa*${number}`)
    const index = new PatternIndex(patterns)
    const start = performance.now()
    expect(index.match('a'.repeat(1_024))).toEqual([])
    expect(performance.now() - start).toBeLessThan(500)
  })
})
