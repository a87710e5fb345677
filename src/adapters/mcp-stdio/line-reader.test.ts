import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { createLineReader } from './line-reader.ts'

function readLines(chunks: readonly Buffer[], lineBytesMax = 1000): string[] {
  const lines: string[] = []
  const reader = createLineReader({
    lineBytesMax,
    onLine: (line) => lines.push(line),
    onOverflow: () => lines.push('<overflow>'),
  })
  for (const chunk of chunks) reader.push(chunk)
  reader.end()
  return lines
}

function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...cuts.map((cut) => cut % (bytes.length + 1)), 0, bytes.length].toSorted((a, b) => a - b)
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end))
}

describe('createLineReader', () => {
  it('tells the same lines wherever the stream is cut, within a character too', () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replace(/[\r\n]/g, ''))
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat()), (lines, cuts) => {
        const chunks = cut(Buffer.from(lines.map((text) => `${text}\n`).join('')), cuts)
        expect(readLines(chunks)).toEqual(lines.filter((text) => text !== ''))
      }),
    )
  })

  it('skips empty lines and tells a last line without a line feed', () => {
    expect(readLines([Buffer.from('\n\r\n{"a":1}\r\n\n{"b":2}')])).toEqual(['{"a":1}\r', '{"b":2}'])
  })

  it('accepts a line of exactly the limit', () => {
    expect(readLines([Buffer.from('12345\n'), Buffer.from('123'), Buffer.from('45\n')], 5)).toEqual(['12345', '12345'])
  })

  it('counts bytes, not characters, and tells nothing after a line over the limit', () => {
    expect(readLines([Buffer.from('äöü\n')], 5)).toEqual(['<overflow>'])
    expect(readLines([Buffer.from('ok\nä'), Buffer.from('öü'), Buffer.from('\nlate\n')], 5)).toEqual([
      'ok',
      '<overflow>',
    ])
    expect(readLines([Buffer.from('ok\n123456\nlate\n')], 5)).toEqual(['ok', '<overflow>'])
  })

  it('reads a large line in tiny pieces in linear time', () => {
    const bytesMax = 1_000_000
    const lines = readLines([...Array<Buffer>(bytesMax).fill(Buffer.from('x')), Buffer.from('\n')], bytesMax)
    expect(lines.map((line) => line.length)).toEqual([bytesMax])
  })
})
