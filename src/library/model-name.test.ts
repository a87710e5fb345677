import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfigurationError } from './errors.ts'
import { toModelName, ToolNames, toPrefixedName } from './model-name.ts'
import { textHash } from './text-hash.ts'

const serverName = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,39}$/)

describe('toModelName', () => {
  it('keeps a name that models take', () => {
    expect(toModelName('read_file-2')).toBe('read_file-2')
    expect(toModelName('x'.repeat(64))).toBe('x'.repeat(64))
  })

  it('shortens and folds what they do not take, always in the same way', () => {
    expect(toModelName('a.b')).toBe(`a_b_${textHash('["a.b"]').slice(0, 10)}`)
    expect(toModelName('x'.repeat(65))).toMatch(/^x{53}_[0-9a-f]{10}$/)
    expect(toModelName('a.b')).not.toBe(toModelName('a/b'))
  })
})

describe('toPrefixedName', () => {
  it('names server and tool', () => {
    expect(toPrefixedName({ server: 'filesystem', tool: 'read_file' })).toBe('mcp_filesystem__read_file')
  })
})

describe('ToolNames', () => {
  it('finds every tool by its prefixed name', () => {
    const pair = fc.record({ server: serverName, tool: fc.string({ unit: 'binary', maxLength: 100 }) })
    fc.assert(
      fc.property(fc.uniqueArray(pair, { selector: (one) => JSON.stringify(one) }), (pairs) => {
        fc.pre(new Set(pairs.map((one) => toPrefixedName(one))).size === pairs.length)
        const names = new ToolNames(pairs)
        for (const one of pairs) expect(names.find(toPrefixedName(one))).toEqual(one)
      }),
    )
  })

  it('is not misled by separators within names', () => {
    const names = new ToolNames([
      { server: 'a', tool: 'b__c' },
      { server: 'a-b', tool: 'c' },
    ])
    expect(names.find('mcp_a__b__c')).toEqual({ server: 'a', tool: 'b__c' })
  })

  it('knows no name that it did not give', () => {
    const names = new ToolNames([{ server: 'a', tool: 'b' }])
    for (const name of ['', 'b', 'mcp_a__c', 'mcp_a__b ', '__proto__']) expect(names.find(name)).toBeNull()
  })

  it('takes one tool twice, and refuses two of one name', () => {
    expect(
      () =>
        new ToolNames([
          { server: 'a', tool: 'b' },
          { server: 'a', tool: 'b' },
        ]),
    ).not.toThrow()
    const pairs = [
      { server: 'a_', tool: 'b' },
      { server: 'a', tool: '_b' },
    ]
    expect(() => new ToolNames(pairs)).toThrow(ConfigurationError)
    expect(() => new ToolNames(pairs)).toThrow(
      'mcp_a___b would name both {"server":"a_","name":"b"} and {"server":"a","name":"_b"}',
    )
  })
})

describe('textHash', () => {
  it.each([
    ['', 'cbf29ce484222325'],
    ['a', 'af63dc4c8601ec8c'],
    ['foobar', '85944171f73967e8'],
  ])('gives the published FNV-1a value of %j', (text, hash) => {
    expect(textHash(text)).toBe(hash)
  })
})
