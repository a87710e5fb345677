import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseChallenge, parseScopes } from './challenge.ts'

const metadata = 'https://mcp.example/.well-known/oauth-protected-resource/mcp'
const nothing = { resourceMetadata: null, scopes: null, error: null }

describe('parseChallenge', () => {
  it('reads what MCP puts into a challenge', () => {
    const text = `Bearer error="insufficient_scope", scope="files:read files:write", resource_metadata="${metadata}", error_description="more"`
    expect(parseChallenge(text)).toEqual({
      resourceMetadata: metadata,
      scopes: ['files:read', 'files:write'],
      error: 'insufficient_scope',
    })
  })

  it.each([
    ['names and scheme in any case', `bEARER Resource_Metadata="${metadata}"`],
    ['white space around everything', ` , \tBearer  resource_metadata\t=  "${metadata}" , `],
    ['no quotes', `Bearer resource_metadata=${metadata}`],
    ['escaped characters', `Bearer resource_metadata="${metadata.replaceAll('/', String.raw`\/`)}"`],
    [
      'another challenge before',
      `Basic realm="a, Bearer resource_metadata=\\"no\\"", Bearer resource_metadata="${metadata}"`,
    ],
    ['a token before', `Negotiate YWJj==, Bearer resource_metadata="${metadata}"`],
    ['bare schemes before', `Negotiate, NTLM, Bearer resource_metadata="${metadata}"`],
    [
      'another challenge behind',
      `Bearer resource_metadata="${metadata}", DPoP algs="ES256", resource_metadata="https://no.example"`,
    ],
    ['a value twice: the first', `Bearer resource_metadata="${metadata}", resource_metadata="https://no.example"`],
    ['garbage behind', `Bearer resource_metadata="${metadata}", ;;;"`],
    ['a quotation that does not end behind', `Bearer resource_metadata="${metadata}", scope="a b`],
  ])('reads it with %s', (_what, text) => {
    expect(parseChallenge(text)).toEqual({ ...nothing, resourceMetadata: metadata })
  })

  it.each([
    null,
    '',
    ' ',
    ',,,',
    'Basic realm="x"',
    'DPoP algs="ES256"',
    '"Bearer"',
    '=Bearer',
    'Bearerx scope="a"',
    '\u0000Bearer',
  ])('finds no Bearer in %j', (text) => {
    expect(parseChallenge(text)).toBeNull()
  })

  it.each([
    'Bearer',
    'Bearer realm="x"',
    'Bearer YWJj',
    'Bearer resource_metadata="https://unfinished.example',
    'Bearer resource_metadata=',
    'Bearer resource_metadata=""',
    'Bearer scope=""',
    'Bearer scope="  "',
    'Bearer scope="\\"\u00e4"',
    'Bearer error="something_of_its_own"',
    `Bearer resource_metadata="https://x.example/${'x'.repeat(3_000)}"`,
  ])('finds a Bearer that says nothing in %j', (text) => {
    expect(parseChallenge(text)).toEqual(nothing)
  })

  it('keeps a scope once, and so many of them', () => {
    expect(parseChallenge('Bearer scope="a b a"')?.scopes).toEqual(['a', 'b'])
    const many = Array.from({ length: 900 }, (_, index) => `scope${index}`).join(' ')
    expect(parseChallenge(`Bearer scope="${many}"`)?.scopes).toHaveLength(200)
  })

  it('does not read a header of unheard-of size, and reads a large one at once', () => {
    expect(parseChallenge(`Bearer scope="${'a '.repeat(10_000)}"`)).toBeNull()
    for (const part of ['a', '"', '\\', ',', '=', 'Bearer ', 'a=', 'a="', '"\\', 'a=b,', ' \t', 'a ,']) {
      const began = performance.now()
      parseChallenge(part.repeat(16_384 / part.length))
      parseChallenge(`Bearer a="${part.repeat(16_000 / part.length)}`)
      expect(performance.now() - began).toBeLessThan(1_000)
    }
  })

  it('takes any text', () => {
    const piece = fc.oneof(fc.constantFrom('Bearer', 'scope', '=', '"', ',', ' ', '\\', 'a', ';', '\n'), fc.string())
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const found = parseChallenge(pieces.join(''))
        for (const scope of found?.scopes ?? []) expect(scope).toMatch(/^[\x21-\x7e]+$/)
      }),
    )
  })

  it('reads back what a server wrote', () => {
    const value = fc.string().filter((text) => !/[\n\r\u2028\u2029]/.test(text))
    fc.assert(
      fc.property(value, (text) => {
        const written = text.replaceAll(/["\\]/g, String.raw`\$&`)
        expect(parseChallenge(`Bearer realm="${written}", error="invalid_token"`)?.error).toBe('invalid_token')
        expect(parseChallenge(`Bearer resource_metadata="${written}"`)?.resourceMetadata ?? '').toBe(text)
      }),
    )
  })
})

describe('parseScopes', () => {
  it('splits at spaces and leaves out what no scope may be', () => {
    expect(parseScopes('a  b:c "d" e\\f g\nh https://x.example/y')).toEqual(['a', 'b:c', 'https://x.example/y'])
    expect(parseScopes('')).toBeNull()
  })
})
