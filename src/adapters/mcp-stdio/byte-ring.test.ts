import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { createByteRing } from './byte-ring.ts'

function readAfter(bytesMax: number, pieces: readonly string[]): string {
  const ring = createByteRing(bytesMax)
  for (const piece of pieces) ring.write(Buffer.from(piece))
  return ring.readText()
}

describe('createByteRing', () => {
  it('is empty before the first byte', () => {
    expect(readAfter(10, [])).toBe('')
  })

  it('keeps everything up to its size', () => {
    expect(readAfter(6, ['abc', 'def'])).toBe('abcdef')
  })

  it('starts at the first whole line once the oldest bytes are gone', () => {
    expect(readAfter(10, ['first\nsecond\n', 'third\n'])).toBe('third\n')
  })

  it('starts at the first whole word where no line break is left', () => {
    expect(readAfter(8, ['token=12345 and more'])).toBe('more')
  })

  it('shows nothing of one endless word', () => {
    expect(readAfter(8, ['x'.repeat(20)])).toBe('')
  })

  it('holds the end of what was written, whatever the pieces', () => {
    const pieces = fc.array(fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'b', '\n') }))
    fc.assert(
      fc.property(pieces, fc.integer({ min: 1, max: 20 }), (written, bytesMax) => {
        const whole = written.join('')
        const tail = whole.slice(-bytesMax)
        const fromWholeLine = tail.includes('\n') ? tail.slice(tail.indexOf('\n') + 1) : ''
        expect(readAfter(bytesMax, written)).toBe(whole.length <= bytesMax ? whole : fromWholeLine)
      }),
    )
  })
})
