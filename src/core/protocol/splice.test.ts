import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { spliceTextId } from './splice.ts'

/** Members in the orders and spacings that real peers write, and in some that nobody does. */
const styles: readonly ((id: unknown, outcome: object) => string)[] = [
  (id, outcome) => JSON.stringify({ jsonrpc: '2.0', id, ...outcome }),
  (id, outcome) => JSON.stringify({ ...outcome, jsonrpc: '2.0', id }),
  (id, outcome) => JSON.stringify({ jsonrpc: '2.0', ...outcome, id }),
  (id, outcome) => JSON.stringify({ ...outcome, id, jsonrpc: '2.0' }),
  (id, outcome) => JSON.stringify({ id, jsonrpc: '2.0', ...outcome }),
  (id, outcome) => JSON.stringify({ id, ...outcome, jsonrpc: '2.0' }),
  (id, outcome) => JSON.stringify({ jsonrpc: '2.0', id, ...outcome }, null, 2),
  (id, outcome) => `${JSON.stringify({ jsonrpc: '2.0', ...outcome, id }, null, '\t')}\r\n`,
  (id, outcome) =>
    JSON.stringify({ jsonrpc: '2.0', id, ...outcome })
      .replaceAll('":', '": ')
      .replaceAll(',"', ', "'),
]

/** Texts that look like the end, or the beginning, of a message. */
const bait = fc.constantFrom(
  ',"id":1}',
  '","id":1}',
  '\\","id":1}',
  '{"jsonrpc":"2.0","id":1,"result":',
  '"id":1,"jsonrpc":"2.0"}',
  ',"id":1,"jsonrpc":"2.0"}}',
)
const value = fc.oneof(fc.jsonValue(), bait)
const result = fc.dictionary(
  fc.constantFrom('content', 'id', 'jsonrpc', 'result', 'error', 'structuredContent', ',"id":1}'),
  fc.oneof(value, fc.dictionary(fc.constantFrom('id', 'a'), value), fc.array(value, { maxLength: 3 })),
)
const error = fc.record({ code: fc.integer(), message: fc.oneof(fc.string(), bait), data: value })
const outcome = fc.oneof(
  result.map((result) => ({ result })),
  error.map((error) => ({ error })),
)
const id = fc.oneof(fc.integer(), fc.string(), fc.stringMatching(/^[\w.:-]{1,64}$/))

describe('spliceTextId', () => {
  it('changes the id and nothing else, or leaves the message to the parser', () => {
    fc.assert(
      fc.property(fc.constantFrom(...styles), fc.tuple(id, id), outcome, (style, [from, to], outcome) => {
        const text = style(from, outcome)
        const spliced = spliceTextId(text, JSON.stringify(from), JSON.stringify(to))
        const expected = { ...JSON.parse(text), id: to }
        expect(spliced === null ? expected : JSON.parse(spliced)).toEqual(expected)
      }),
      { numRuns: 1_000 },
    )
  })

  it.each(styles.slice(0, 4).map((style) => style(7, { result: { content: [] } })))('knows the shape %s', (text) => {
    const spliced = spliceTextId(text, '7', '"a-client"')
    expect(JSON.parse(spliced ?? 'null')).toEqual({ ...JSON.parse(text), id: 'a-client' })
  })

  it.each([
    ['another number', '{"jsonrpc":"2.0","id":17,"result":{}}'],
    ['the same digits as a text', '{"jsonrpc":"2.0","id":"7","result":{}}'],
    ['null', '{"jsonrpc":"2.0","id":null,"result":{}}'],
  ])('does not take a response to %s', (_what, text) => {
    expect(spliceTextId(text, '7', '1')).toBeNull()
  })

  it.each([
    ['a notification', '{"jsonrpc":"2.0","method":"notifications/progress","params":{},"id":7}'],
    ['a question', '{"jsonrpc":"2.0","id":7,"method":"ping"}'],
    ['an array', '[{"jsonrpc":"2.0","id":7,"result":{}}]'],
    ['no object', '"id":7}'],
    ['nothing', ''],
  ])('leaves %s alone', (_what, text) => {
    expect(spliceTextId(text, '7', '1')).toBeNull()
  })

  it.each([
    ['after the first', '{"jsonrpc":"2.0","id":7,"result":{},"id":8}'],
    ['far behind the first', `{"jsonrpc":"2.0","id":7,"result":{"a":"${'x'.repeat(1_000)}"},"id":8,"x":1}`],
    ['that is written with escapes', String.raw`{"jsonrpc":"2.0","id":7,"result":{},"\u0069d":8}`],
    ['that is written with other escapes', String.raw`{"jsonrpc":"2.0","id":7,"result":{},"i\u0064":8}`],
  ])('leaves a message with a second id %s to the parser: the client would hear the second', (_what, text) => {
    expect(spliceTextId(text, '7', '1')).toBeNull()
  })

  it('reads a long message at its two ends only', () => {
    const text = JSON.stringify({ result: { content: 'x'.repeat(1_000_000) }, jsonrpc: '2.0', id: 7 })
    expect(spliceTextId(text, '7', '12345')).toBe(text.replace('"id":7', '"id":12345'))
  })
})
