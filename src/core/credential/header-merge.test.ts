import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import { checkedName, mergeHeaders, type Header } from './header-merge.ts'

/** Names that differ in case only are frequent. */
const name = fc.constantFrom('X-Team', 'x-team', 'X-TEAM', 'Cookie', 'cookie', 'X-Api-Key', 'x-api-key', 'User-Agent')
const value = fc.stringMatching(/^[\x20-\x7e]{0,20}$/)
const header = fc.tuple(name, value)
const namesOf = (flat: readonly string[]): string[] => flat.filter((_, index) => index % 2 === 0)
const toMap = (flat: readonly string[]): Map<string, string> =>
  new Map(namesOf(flat).map((name, index) => [name, flat[index * 2 + 1] ?? '']))

/** What is refused sends nothing. */
function orNothing(run: () => string[]): string[] {
  try {
    return run()
  } catch (error) {
    if (error instanceof GatewayError) return []
    throw error
  }
}

describe('mergeHeaders', () => {
  it('sends each name once, in lower case, whatever is given', () => {
    fc.assert(
      fc.property(fc.dictionary(name, value), fc.array(header), (statics, credential) => {
        const names = namesOf(mergeHeaders(statics, credential))
        expect(new Set(names).size).toBe(names.length)
        for (const sent of names) expect(sent).toBe(sent.toLowerCase())
      }),
    )
  })

  it('has the credential above static headers, and loses no header', () => {
    fc.assert(
      fc.property(fc.dictionary(name, value), fc.array(header), (statics, credential) => {
        const merged = toMap(mergeHeaders(statics, credential))
        const expected = new Map<string, string>()
        for (const [name, value] of [...Object.entries(statics), ...credential]) expected.set(name.toLowerCase(), value)
        expect(merged).toEqual(expected)
      }),
    )
  })

  it('never sends what could end a header line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, value) => {
        const header: Header = [name, value]
        const sent = orNothing(() => mergeHeaders({}, [header]))
        // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
        for (const text of sent) expect(text).not.toMatch(/[\0-\x08\x0a-\x1f\x7f]|[^\0-\xff]/)
      }),
    )
  })

  it('takes a name of the object every object is made from as what it is', () => {
    expect(mergeHeaders({ constructor: 'a' }, [['__proto__', 'b']])).toEqual(['constructor', 'a', '__proto__', 'b'])
  })
})

describe('checkedName', () => {
  it.each(['Mcp-Session-Id', 'MCP-Param-Region', 'Host', 'sec-websocket-key'])('refuses %s by name', (text) => {
    expect(() => checkedName(text)).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        details: { header: text.toLowerCase(), reason: 'the transport sets it' },
      }),
    )
  })
})
