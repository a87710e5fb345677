import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isNestedTooDeeply, scanRequest, spliceRequest } from './scan.ts'

const hugeDepth = 1_000_000

/** JSON text of a value with whitespace wherever JSON allows it. */
function spread(value: unknown, space: string): string {
  if (Array.isArray(value))
    return `[${space}${value.map((one) => spread(one, space)).join(`${space},${space}`)}${space}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(
    ([key, inner]) => `${JSON.stringify(key)}${space}:${space}${spread(inner, space)}`,
  )
  return `{${space}${members.join(`${space},${space}`)}${space}}`
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/)
const id = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.string(),
  fc.constant('a"b\\'),
)
const members = fc.dictionary(fc.constantFrom('name', 'id', 'params', 'arguments', 'x', '_meta'), fc.jsonValue(), {
  maxKeys: 4,
})
const request = fc.record({
  id,
  name: fc.oneof(fc.string(), fc.constant('"},{[\\"')),
  members,
  order: fc.boolean(),
})

function toMessage(parts: { id: string | number; name: string; members: object; order: boolean }) {
  const { id, name, members, order } = parts
  const params = Object.assign(order ? { ...members } : { name: '' }, members, { name })
  return order
    ? { jsonrpc: '2.0', id, method: 'tools/call', params }
    : { params, method: 'tools/call', id, jsonrpc: '2.0' }
}

describe('scanRequest', () => {
  it('measures the depth that JSON.parse sees, whatever the strings hold', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), space, (value, gap) => {
        const depth = depthOf(JSON.parse(JSON.stringify(value)))
        const text = spread(value, gap)
        expect(scanRequest(text, depth).isTooDeep).toBe(false)
        expect(scanRequest(text, depth - 1).isTooDeep).toBe(depth > 0)
      }),
    )
  })

  it('finds the id and the tool name exactly where they stand', () => {
    fc.assert(
      fc.property(request, space, (parts, gap) => {
        const message = toMessage(parts)
        const text = spread(message, gap)
        const { spans } = scanRequest(text, hugeDepth)
        if (!spans?.name) throw new Error('a plain message was not recognised')
        expect(JSON.parse(text.slice(spans.id.start, spans.id.end))).toEqual(JSON.parse(JSON.stringify(message.id)))
        expect(JSON.parse(text.slice(spans.name.start, spans.name.end))).toBe(message.params.name)
      }),
    )
  })

  it.each([
    ['of the message', '{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/call","params":{"name":"a"}}'],
    ['of the params', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}'],
    ['of two params', '{"jsonrpc":"2.0","id":1,"params":{"name":"a"},"method":"x","params":{"name":"b"}}'],
  ])('gives no spans where a key %s comes twice: peers disagree which one counts', (_what, text) => {
    expect(scanRequest(text, hugeDepth).spans).toBeNull()
  })

  it.each([
    String.raw`{"jsonrpc":"2.0","\u0069d":1,"id":2,"method":"tools/call","params":{"name":"a"}}`,
    String.raw`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"a","n\u0061me":"b"}}`,
  ])('gives no spans where a key is written with escapes: %s', (text) => {
    expect(scanRequest(text, hugeDepth).spans).toBeNull()
  })

  it('does not take keys of inner objects for the message’s own', () => {
    const text = '{"params":{"arguments":{"name":"inner","id":7},"name":"own"},"id":1,"result":{"name":"no"}}'
    const { spans } = scanRequest(text, hugeDepth)
    expect(spans && text.slice(spans.id.start, spans.id.end)).toBe('1')
    expect(spans?.name && text.slice(spans.name.start, spans.name.end)).toBe('"own"')
  })

  it('does not take a member of another object for one of the params when these hold nothing', () => {
    const text = '{"id":1,"params":null,"other":{"name":"stranger"}}'
    expect(scanRequest(text, hugeDepth).spans?.name ?? null).toBeNull()
  })

  it('gives no spans for a message without an id', () => {
    expect(scanRequest('{"jsonrpc":"2.0","method":"notifications/x"}', hugeDepth).spans).toBeNull()
  })

  it('stops at the limit of depth without reading on', () => {
    expect(scanRequest('['.repeat(100_000), 64)).toEqual({ isTooDeep: true, spans: null })
  })

  it('reads a string of many backslashes in one go', () => {
    const text = `{"id":1,"params":{"name":"a","arguments":${JSON.stringify('\\'.repeat(200_000))}}}`
    expect(scanRequest(text, 64).spans?.name).not.toBeNull()
  })
})

describe('isNestedTooDeeply', () => {
  it('allows 1,000 levels and refuses one more', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth) + ' '.repeat(10)
    expect(isNestedTooDeeply(nested(1_000))).toBe(false)
    expect(isNestedTooDeeply(nested(1_001))).toBe(true)
  })

  it('does not count brackets inside strings', () => {
    expect(isNestedTooDeeply(JSON.stringify(['[{"'.repeat(5_000)]))).toBe(false)
  })
})

describe('spliceRequest', () => {
  it('changes the id and the name and nothing else', () => {
    fc.assert(
      fc.property(request, space, fc.record({ newId: id, newName: fc.string() }), (parts, gap, { newId, newName }) => {
        const message = toMessage(parts)
        const text = spread(message, gap)
        const { spans } = scanRequest(text, hugeDepth)
        if (!spans) throw new Error('a plain message was not recognised')
        const spliced = spliceRequest({ text, ...spans }, { id: JSON.stringify(newId), name: JSON.stringify(newName) })
        expect(JSON.parse(spliced)).toEqual(
          JSON.parse(JSON.stringify({ ...message, id: newId, params: { ...message.params, name: newName } })),
        )
      }),
    )
  })

  it('leaves what it is not asked to change', () => {
    const text = '{"id":1,"params":{"name":"a"}}'
    const { spans } = scanRequest(text, hugeDepth)
    if (!spans) throw new Error('a plain message was not recognised')
    expect(spliceRequest({ text, ...spans }, {})).toBe(text)
    expect(spliceRequest({ text, ...spans }, { name: '"b"' })).toBe('{"id":1,"params":{"name":"b"}}')
  })
})
