import { describe, expect, it } from 'vitest'
import { toLegacyOutcome, toLegacyTool, toModernOutcome, toModernTool } from './translate.ts'

const serverInfoKey = 'io.modelcontextprotocol/serverInfo'
const info = { name: 's', version: '1' }

describe('toModernOutcome', () => {
  it('says that the result is complete, and who gave it', () => {
    const outcome = { result: { content: [{ type: 'new_kind', x: 1 }], _meta: { own: 1 }, extra: true } }
    expect(toModernOutcome('tools/call', outcome, info)).toEqual({
      result: {
        content: [{ type: 'new_kind', x: 1 }],
        extra: true,
        resultType: 'complete',
        _meta: { own: 1, [serverInfoKey]: info },
      },
    })
  })

  it('adds no `_meta` where the server is not known', () => {
    expect(toModernOutcome('prompts/get', { result: {} }, undefined)).toEqual({ result: { resultType: 'complete' } })
  })

  it('lets nobody share or keep what the server did not say is shareable', () => {
    expect(toModernOutcome('resources/read', { result: { contents: [] } }, undefined)).toEqual({
      result: { contents: [], resultType: 'complete', ttlMs: 0, cacheScope: 'private' },
    })
    expect(toModernOutcome('resources/read', { result: { ttlMs: 5, cacheScope: 'public' } }, undefined)).toEqual({
      result: { resultType: 'complete', ttlMs: 5, cacheScope: 'public' },
    })
    expect(toModernOutcome('tools/call', { result: {} }, undefined)).toEqual({ result: { resultType: 'complete' } })
  })

  it('makes a missing resource an invalid parameter and passes other errors as they are', () => {
    const missing = { error: { code: -32002, message: 'gone', data: { uri: 'a:b' } } }
    expect(toModernOutcome('resources/read', missing, info)).toEqual({
      error: { code: -32602, message: 'gone', data: { uri: 'a:b' } },
    })
    const other = { error: { code: -32000, message: 'no' } }
    expect(toModernOutcome('tools/call', other, info)).toEqual(other)
    // 2026-07-28 has no −32042 either.
    const visit = { error: { code: -32042, message: 'visit' } }
    expect(toModernOutcome('tools/call', visit, info)).toEqual({ error: { code: -32603, message: 'visit' } })
  })
})

describe('toLegacyOutcome', () => {
  const newest = '2025-11-25'

  it('wraps an object too where its schema had to be wrapped, so that the result fits what was listed', () => {
    const outputSchema = { anyOf: [{ type: 'object' }, { type: 'null' }] }
    const result = { content: [], structuredContent: { a: 1 } }
    expect(toLegacyOutcome('tools/call', { result }, { revision: newest, outputSchema })).toEqual({
      result: { content: [], structuredContent: { result: { a: 1 } } },
    })
  })

  it('takes off what belongs to the modern era and keeps what is nobody’s', () => {
    const result = {
      content: [],
      resultType: 'complete',
      ttlMs: 5,
      cacheScope: 'public',
      extra: 1,
      _meta: { [serverInfoKey]: info, 'vendor/x': 1 },
    }
    expect(toLegacyOutcome('resources/read', { result }, { revision: newest })).toEqual({
      result: { content: [], extra: 1, _meta: { 'vendor/x': 1 } },
    })
    expect(
      toLegacyOutcome('resources/read', { result: { _meta: { [serverInfoKey]: info } } }, { revision: newest }),
    ).toEqual({
      result: {},
    })
  })

  it.each([
    [{ a: 1 }, { a: 1 }],
    [[1], { result: [1] }],
    ['text', { result: 'text' }],
    [0, { result: 0 }],
    [null, { result: null }],
  ])('gives structured content %j as the object %j', (structuredContent, expected) => {
    expect(toLegacyOutcome('tools/call', { result: { structuredContent } }, { revision: '2025-06-18' })).toEqual({
      result: { structuredContent: expected },
    })
  })

  it('hides structured content from revisions that do not have it', () => {
    const content = [{ type: 'text', text: 'a is 1' }]
    const outcome = { result: { content, structuredContent: { a: 1 } } }
    expect(toLegacyOutcome('tools/call', outcome, { revision: '2025-03-26' })).toEqual({ result: { content } })
  })

  it('gives structured content as text to revisions that do not have it, where a result says nothing else', () => {
    const outcome = { result: { content: [], structuredContent: { a: 1 } } }
    expect(toLegacyOutcome('tools/call', outcome, { revision: '2025-03-26' })).toEqual({
      result: { content: [{ type: 'text', text: '{"a":1}' }] },
    })
  })

  it('touches structured content of no other method', () => {
    const outcome = { result: { structuredContent: 5 } }
    expect(toLegacyOutcome('prompts/get', outcome, { revision: newest })).toEqual(outcome)
  })

  it('names a missing resource as legacy clients know it', () => {
    const error = { code: -32602, message: 'gone', data: { uri: 'a:b' } }
    expect(toLegacyOutcome('resources/read', { error }, { revision: newest })).toEqual({
      error: { ...error, code: -32002 },
    })
    expect(toLegacyOutcome('resources/subscribe', { error }, { revision: newest })).toMatchObject({
      error: { code: -32002 },
    })
    expect(toLegacyOutcome('tools/call', { error }, { revision: newest })).toEqual({ error })
    const { data: _data, ...plain } = error
    expect(toLegacyOutcome('resources/read', { error: plain }, { revision: newest })).toEqual({ error: plain })
  })

  it.each([
    [-32_020, -32_603],
    [-32_022, -32_603],
    [-32_099, -32_603],
    [-32_019, -32_019],
    [-32_100, -32_100],
    [-32_601, -32_601],
  ])('gives error %i as %i', (code, expected) => {
    expect(toLegacyOutcome('tools/call', { error: { code, message: 'm' } }, { revision: newest })).toEqual({
      error: { code: expected, message: 'm' },
    })
  })
})

describe('tools', () => {
  it('show a legacy client an output schema of an object, as their results are', () => {
    const tool = { name: 'a', execution: { taskSupport: 'optional' }, extra: 1 }
    expect(toLegacyTool({ ...tool, outputSchema: { type: 'array' } })).toEqual({
      name: 'a',
      extra: 1,
      outputSchema: { type: 'object', properties: { result: { type: 'array' } }, required: ['result'] },
    })
    const schema = { type: 'object', properties: {} }
    expect(toLegacyTool({ ...tool, outputSchema: schema })).toEqual({ name: 'a', extra: 1, outputSchema: schema })
    expect(toLegacyTool(tool)).toEqual({ name: 'a', extra: 1 })
  })

  it('show a modern client no tasks of the other form', () => {
    expect(toModernTool({ name: 'a', execution: {}, outputSchema: {} })).toEqual({ name: 'a', outputSchema: {} })
  })
})
