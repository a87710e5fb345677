import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createEventReader } from './event-reader.ts'

type Told = { events: { data: string; id: string | undefined }[]; retries: number[]; failures: string[] }

function read(pieces: readonly Uint8Array[], eventBytesMax = 1_000): Told {
  const told: Told = { events: [], retries: [], failures: [] }
  const reader = createEventReader(
    {
      event: (data, id) => void told.events.push({ data, id }),
      retry: (delayMs) => void told.retries.push(delayMs),
      failed: ({ code }) => void told.failures.push(code),
    },
    { eventBytesMax },
  )
  for (const piece of pieces) reader.push(piece)
  return told
}

const readText = (text: string, eventBytesMax?: number): Told => read([Buffer.from(text)], eventBytesMax)
const dataOf = (text: string): string[] => readText(text).events.map(({ data }) => data)

describe('an event', () => {
  it('has its data and, where it says one, its id', () => {
    expect(readText('event: message\nid: 7\ndata: {"a":1}\n\ndata: b\n\n').events).toEqual([
      { data: '{"a":1}', id: '7' },
      { data: 'b', id: undefined },
    ])
  })

  it('joins its lines', () => {
    expect(dataOf('data: {\ndata: }\n\n')).toEqual(['{\n}'])
  })

  it.each(['\n', '\r\n', '\r'])('ends its lines with %j', (end) => {
    expect(dataOf(`data: a${end}data: b${end}${end}data: c${end}${end}data: d${end}`)).toEqual(['a\nb', 'c'])
  })

  it('may have no data, as the first event of a stream that can be resumed', () => {
    expect(readText('id: 1\nretry: 250\ndata: \n\n')).toEqual({
      events: [{ data: '', id: '1' }],
      retries: [250],
      failures: [],
    })
  })

  it('is not ended by the end of the stream', () => {
    expect(dataOf('data: a\n')).toEqual([])
  })

  it('is not made by comments, unknown fields or bad values', () => {
    expect(readText(': ping\n\nfoo: bar\n\nretry: soon\n\n')).toEqual({ events: [], retries: [], failures: [] })
  })

  it('may come after a byte order mark', () => {
    expect(dataOf('\uFEFFdata: a\n\n')).toEqual(['a'])
  })

  it('keeps a byte order mark that stands elsewhere', () => {
    expect(dataOf('data: a\n\ndata: \uFEFFb\n\n')).toEqual(['a', '\uFEFFb'])
  })

  it('is the same wherever the pieces are cut, in the middle of a character too', () => {
    const text = '\uFEFFid: 1\r\ndata: Grüße 🌍\r\n\r\n: ping\r\rdata: b\rdata: c\r\rdata: d\n\n'
    const bytes = Buffer.from(text)
    const whole = read([bytes])
    expect(whole.events.map(({ data }) => data)).toEqual(['Grüße 🌍', 'b\nc', 'd'])
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 12 })
    fc.assert(
      fc.property(cuts, (places) => {
        const sorted = [0, ...places.toSorted((a, b) => a - b), bytes.length]
        const pieces = sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end))
        expect(read(pieces)).toEqual(whole)
      }),
    )
  })
})

describe('the limit', () => {
  it('lets one event be so large, and many of them come', () => {
    const event = `data: ${'x'.repeat(900)}\n\n`
    expect(readText(event.repeat(50)).events).toHaveLength(50)
  })

  it('is not for comments, of which nothing is kept', () => {
    const pieces = [': ', ...Array.from({ length: 50 }, () => 'x'.repeat(600)), '\n\ndata: after\n\n']
    const told = read(pieces.map((piece) => Buffer.from(piece)))
    expect(told).toMatchObject({ events: [{ data: 'after' }], failures: [] })
  })

  it.each([
    ['in one line', ['data: ', 'x'.repeat(600), 'x'.repeat(600)]],
    ['in many lines', Array.from({ length: 30 }, () => `data: ${'x'.repeat(50)}\n`)],
    ['in one piece', [`data: ${'x'.repeat(5_000)}\n\n`]],
  ])('ends what is larger %s, once, and tells nothing after it', (_what, pieces) => {
    const told = read([...pieces, '\n\ndata: after\n\n'].map((piece) => Buffer.from(piece)))
    expect(told).toEqual({ events: [], retries: [], failures: ['upstream_too_large'] })
  })
})
