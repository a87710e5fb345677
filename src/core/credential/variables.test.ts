import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileHeader, compileUrl, findUnfitValues, resolveVariables, type VariableDeclaration } from './variables.ts'

const valuesOf = (values: Record<string, string>): Map<string, string> => new Map(Object.entries(values))
const names = ['TENANT', 'KEY', 'A', 'B', '_x1', 'constructor', '__proto__']
const header = (text: string, values: Record<string, string>): string =>
  compileHeader(text, names).fill(valuesOf(values))
const path = (url: string, values: Record<string, string>): string => compileUrl(url, names).path.fill(valuesOf(values))
const refusal = (details: Record<string, unknown>): unknown =>
  expect.objectContaining({ code: 'config_invalid', details })

describe('resolveVariables', () => {
  const user = (name: string, more: Partial<VariableDeclaration> = {}): VariableDeclaration => ({
    name,
    scope: 'user',
    isRequired: true,
    ...more,
  })

  it('has the value of the definition win over the owner’s, unless it is empty', () => {
    const declared = [
      user('A', { scope: 'global', value: 'house' }),
      user('B', { value: 'house' }),
      user('C', { value: '' }),
      user('D'),
    ]
    const { values, missing } = resolveVariables(declared, { A: 'mine', B: 'mine', C: 'mine', D: 'mine', E: 'unknown' })
    expect([...values]).toEqual([
      ['A', 'house'],
      ['B', 'house'],
      ['C', 'mine'],
      ['D', 'mine'],
    ])
    expect(missing).toEqual([])
  })

  it('takes no owner’s value for a global one', () => {
    expect(resolveVariables([user('A', { scope: 'global', value: '' })], { A: 'mine' }).missing).toEqual(['A'])
  })

  it('names all that are missing, and has those that may be missing empty', () => {
    const declared = [user('A'), user('B', { isRequired: false }), user('C')]
    const { values, missing } = resolveVariables(declared, { C: '' })
    expect(missing).toEqual(['A', 'C'])
    expect([...values]).toEqual([['B', '']])
  })

  it('finds no value in what every object has', () => {
    expect(resolveVariables([user('constructor'), user('__proto__')], {}).missing).toEqual(['constructor', '__proto__'])
  })
})

describe('compileHeader', () => {
  it.each<[string, Record<string, string>, string]>([
    ['Bearer ${KEY}', { KEY: 's3cret' }, 'Bearer s3cret'],
    ['${A}${B}${A}', { A: '1', B: '2' }, '121'],
    ['${A}', { A: '${B}', B: '2' }, '${B}'],
    ['${A}{B}', { A: '$', B: '2' }, '${B}'],
    ['${A}', { A: '$&$1$$' }, '$&$1$$'],
    ['${_x1}', { _x1: 'v' }, 'v'],
    ['${constructor}', { constructor: 'v' }, 'v'],
    ['a${A}', {}, 'a'],
  ])('makes of %s with %j: %s', (text, values, expected) => {
    expect(header(text, values)).toBe(expected)
  })

  it.each(['${UNKNOWN}', '${}', '${ A }', '${1A}', '$A', '$${', '${A', '{A}', '${a}'])(
    'lets %s be what it is',
    (text) => {
      const template = compileHeader(text, names)
      expect(template.names).toEqual([])
      expect(template.fill(valuesOf({ A: 'v', a: 'v' }))).toBe(text)
    },
  )

  it('says which variables it has, each once', () => {
    expect(compileHeader('${B} ${A} ${B} ${UNKNOWN}', names).names).toEqual(['B', 'A'])
  })

  it.each(['s3cret\r\nx-injected: 1', 's3cret\n', 's3cret\0', 's3cretč'])(
    'refuses %j by the variable’s name',
    (value) => {
      const reason = 'it must be a single line of Latin-1 characters'
      expect(() => header('Bearer ${KEY}', { KEY: value })).toThrow(refusal({ variable: 'KEY', reason }))
    },
  )

  it('puts any value of Latin-1 in as it is', () => {
    const value = fc.stringMatching(/^[\x20-\x7e]*$/)
    fc.assert(
      fc.property(value, value, (a, b) => {
        expect(header('x ${A} y ${B} z', { A: a, B: b })).toBe(`x ${a} y ${b} z`)
      }),
    )
  })
})

describe('compileUrl', () => {
  it('gives origin and path of an address without variables as they are sent', () => {
    const { origin, path } = compileUrl('HTTPS://Example.com:443/a/../b c?q=${X}#f', [])
    expect(origin).toBe('https://example.com')
    expect(path.names).toEqual([])
    expect(path.fill(valuesOf({}))).toBe('/b%20c?q=${X}')
    expect(compileUrl('wss://example.com:8443', names).origin).toBe('wss://example.com:8443')
  })

  it.each<[string, Record<string, string>, string]>([
    ['https://h/${TENANT}/mcp', { TENANT: 'acme' }, '/acme/mcp'],
    ['https://h/${TENANT}/mcp', { TENANT: 'a/b?c#d%2F\\e' }, '/a%2Fb%3Fc%23d%252F%5Ce/mcp'],
    ['https://h/${TENANT}/mcp', { TENANT: 'é ü' }, '/%C3%A9%20%C3%BC/mcp'],
    ['https://h/v${A}.${B}/mcp', { A: '1', B: '2' }, '/v1.2/mcp'],
    ['https://h/mcp?key=${KEY}&t=${TENANT}', { KEY: 'a&b=c+d', TENANT: '#?' }, '/mcp?key=a%26b%3Dc%2Bd&t=%23%3F'],
    ['https://h/mcp?key=${KEY}', { KEY: '' }, '/mcp?key='],
    ['https://h/mcp?key=${KEY}', { KEY: '../..' }, '/mcp?key=..%2F..'],
    ['https://h/${A}', { A: "!'()*" }, '/%21%27%28%29%2A'],
    ['https://h/${A}', { A: '${B}', B: 'x' }, '/%24%7BB%7D'],
    ['https://h/${UNKNOWN}/${A}?x=${UNKNOWN}', { A: '1' }, '/$%7BUNKNOWN%7D/1?x=${UNKNOWN}'],
    ['https://h\\${A}', { A: '1' }, '/1'],
    ['https://h/a b/${A}#${B}', { A: '1' }, '/a%20b/1'],
  ])('makes of %s with %j: %s', (url, values, expected) => {
    expect(path(url, values)).toBe(expected)
  })

  it.each([
    'https://${TENANT}.example.com/mcp',
    'https://${TENANT}/mcp',
    'https://h:${A}/mcp',
    'https://user:${KEY}@h/mcp',
    'https://${KEY}@h/mcp',
    'https://h${A}',
    'https://h${A}?x',
  ])('refuses a variable that says where a request goes: %s', (url) => {
    expect(() => compileUrl(url, names)).toThrow(
      refusal({ reason: 'the server address: a variable may stand in its path and query only' }),
    )
  })

  it.each(['', 'no url', '${A}', '${A}://h/'])('refuses %j, which is no URL', (url) => {
    expect(() => compileUrl(url, names)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  })

  it.each<[string, Record<string, string>]>([
    ['https://h/a/${A}/mcp', { A: '..' }],
    ['https://h/a/${A}', { A: '.' }],
    ['https://h/a/.${A}/mcp', { A: '.' }],
    ['https://h/a/${A}${B}/mcp', { A: '.', B: '.' }],
    ['https://h/a/${A}?x=1', { A: '..' }],
    ['https://h/a/%2e${A}/mcp', { A: '.' }],
    // Common servers and proxies take an encoded slash for one.
    ['https://h/a/${A}/mcp', { A: '../../admin' }],
    ['https://h/a/${A}/mcp', { A: 'b/..' }],
    ['https://h/a/${A}/mcp', { A: 'b\\..\\admin' }],
    ['https://h/a/x.${A}', { A: '/../admin' }],
    ['https://h/a/.${A}', { A: './admin' }],
  ])('refuses a path that would lead elsewhere: %s with %j', (url, values) => {
    expect(() => path(url, values)).toThrow(refusal({ variable: 'A', reason: 'with it the path would lead elsewhere' }))
  })

  it('takes dots that are a part of a segment', () => {
    expect(path('https://h/${A}/mcp', { A: '...' })).toBe('/.../mcp')
    expect(path('https://h/x${A}/mcp', { A: '..' })).toBe('/x../mcp')
  })

  it('refuses an empty value in a path, where two segments would become one', () => {
    const reason = 'it is empty, and stands in a path'
    expect(() => path('https://h/${TENANT}/mcp', { TENANT: '' })).toThrow(refusal({ variable: 'TENANT', reason }))
  })

  it('refuses half a character', () => {
    expect(() => path('https://h/${A}', { A: '\ud800' })).toThrow(refusal({ variable: 'A', reason: 'it is not text' }))
  })

  it('never lets a value leave its segment or its parameter, however the other side reads it', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1 }),
      fc
        .array(
          fc.constantFrom('.', '..', '/', '\\', '?', '#', '%2e', '%2F', '&', '=', '@', ':', ' ', '\t', '\n', ';', 'a'),
          {
            minLength: 1,
          },
        )
        .map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(value, value, (a, b) => {
        fc.pre(a.isWellFormed() && b.isWellFormed() && !a.split(/[/\\]/).some((part) => part === '.' || part === '..'))
        const { origin, path } = compileUrl('https://h.test/x/${A}/y?first=1&k=${B}&last=1', names)
        const url = new URL(origin + path.fill(valuesOf({ A: a, B: b })))
        expect(url.origin).toBe('https://h.test')
        expect(url.hash).toBe('')
        const segments = url.pathname.split('/')
        expect(segments.map((part) => decodeURIComponent(part))).toEqual(['', 'x', a, 'y'])
        expect([...url.searchParams]).toEqual([
          ['first', '1'],
          ['k', b],
          ['last', '1'],
        ])
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('findUnfitValues', () => {
  const served = { url: 'https://h/${TENANT}/v${A}?key=${KEY}', headers: { 'x-b': '${B}', 'x-c': 'plain' } }
  const unfit = (given: Record<string, string>) => findUnfitValues(served, names, valuesOf(given))

  it('finds nothing in values that fit, whatever else is missing', () => {
    expect(unfit({})).toEqual([])
    expect(unfit({ TENANT: 'acme', A: '..', KEY: '..', B: 'é' })).toEqual([])
    expect(unfit({ UNKNOWN: '..' })).toEqual([])
  })

  it('says what is wrong with each of the others, by its name', () => {
    expect(unfit({ TENANT: '..', B: 'a\nb', KEY: 'k' })).toEqual([
      { name: 'TENANT', reason: 'with it the path would lead elsewhere' },
      { name: 'B', reason: 'it must be a single line of Latin-1 characters' },
    ])
    expect(unfit({ TENANT: '' })).toEqual([{ name: 'TENANT', reason: 'it is empty, and stands in a path' }])
  })

  it('leaves to others what is wrong with the definition', () => {
    const broken = { url: 'https://${A}.example/', headers: {} }
    expect(() => findUnfitValues(broken, names, valuesOf({ A: 'x' }))).toThrow(
      expect.objectContaining({ code: 'config_invalid', details: { reason: expect.any(String) } }),
    )
  })
})
