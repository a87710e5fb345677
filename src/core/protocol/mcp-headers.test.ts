import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from './json-rpc.ts'
import {
  buildParamHeaders,
  checkMirrorHeaders,
  checkParamHeaders,
  encodeHeaderValue,
  readParamHeaders,
  type HeaderLookup,
} from './mcp-headers.ts'

const mismatch = expect.objectContaining({ code: 'header_mismatch' })

function checkName(header: string, name: string): void {
  const headers = { 'mcp-method': 'tools/call', 'mcp-name': header }
  checkMirrorHeaders(headers, { method: 'tools/call', params: { name } })
}

describe('encodeHeaderValue', () => {
  it.each([
    ['get_weather', 'get_weather'],
    ['a b', 'a b'],
    ['', '=?base64??='],
    [' a', '=?base64?IGE=?='],
    ['a\n', '=?base64?YQo=?='],
    ['Grüße', '=?base64?R3LDvMOfZQ==?='],
    ['=?base64?YQ==?=', '=?base64?PT9iYXNlNjQ/WVE9PT89?='],
  ])('writes %j as %s', (value, header) => {
    expect(encodeHeaderValue(value)).toBe(header)
  })

  it('is read back as the same text by who checks the header, and is always a valid header', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        const header = encodeHeaderValue(name)
        expect(header).toMatch(/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/)
        expect(() => checkName(header, name)).not.toThrow()
      }),
    )
  })
})

describe('checkMirrorHeaders', () => {
  it('lets a request pass whose headers say what its body says', () => {
    const pass = (headers: HeaderLookup, message: { method: string; params?: JsonObject }) => () =>
      checkMirrorHeaders(headers, message)
    expect(pass({ 'mcp-method': 'tools/list' }, { method: 'tools/list' })).not.toThrow()
    expect(pass({ 'mcp-method': ' ping ' }, { method: 'ping' })).not.toThrow()
    const read = { method: 'resources/read', params: { uri: 'file:///a' } }
    expect(pass({ 'mcp-method': 'resources/read', 'mcp-name': 'file:///a' }, read)).not.toThrow()
  })

  it.each<[string, HeaderLookup]>([
    ['without Mcp-Method', { 'mcp-name': 'a' }],
    ['with another Mcp-Method', { 'mcp-method': 'tools/list', 'mcp-name': 'a' }],
    ['with Mcp-Method in other letters', { 'mcp-method': 'Tools/Call', 'mcp-name': 'a' }],
    ['without Mcp-Name', { 'mcp-method': 'tools/call' }],
    ['with another Mcp-Name', { 'mcp-method': 'tools/call', 'mcp-name': 'b' }],
    ['with Mcp-Name of broken base64', { 'mcp-method': 'tools/call', 'mcp-name': '=?base64?Y?=' }],
    ['with Mcp-Name of base64 that is not UTF-8', { 'mcp-method': 'tools/call', 'mcp-name': '=?base64?/w==?=' }],
  ])('refuses a call %s', (_what, headers) => {
    expect(() => checkMirrorHeaders(headers, { method: 'tools/call', params: { name: 'a' } })).toThrow(mismatch)
  })

  it('never repeats a header’s value', () => {
    expect(() => checkName('s3cret', 'a')).toThrow(
      expect.objectContaining({ details: { reason: 'Mcp-Name differs from the body' } }),
    )
  })

  it('asks for no name where the method has none, or the body has no text there', () => {
    expect(() =>
      checkMirrorHeaders({ 'mcp-method': 'tools/call' }, { method: 'tools/call', params: { name: 1 } }),
    ).not.toThrow()
  })
})

const schema = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more })

describe('readParamHeaders', () => {
  it('finds annotations through properties at any depth', () => {
    const found = readParamHeaders(
      schema({
        region: { type: 'string', 'x-mcp-header': 'Region' },
        to: schema({ isDry: { type: 'boolean', 'x-mcp-header': 'Dry' }, n: { type: 'integer' } }),
      }),
    )
    expect(found).toEqual([
      { header: 'Region', path: ['region'] },
      { header: 'Dry', path: ['to', 'isDry'] },
    ])
  })

  it('finds none where there are none', () => {
    expect(readParamHeaders(schema({ a: { type: 'string' } }))).toEqual([])
    expect(readParamHeaders(undefined)).toEqual([])
    expect(readParamHeaders({ type: 'object', anyOf: [{ required: ['a'] }] })).toEqual([])
  })

  it.each([
    ['on a number', schema({ a: { type: 'number', 'x-mcp-header': 'A' } })],
    ['on an object', schema({ a: schema({}, { 'x-mcp-header': 'A' }) })],
    ['on several types', schema({ a: { type: ['string', 'integer'], 'x-mcp-header': 'A' } })],
    ['that is no text', schema({ a: { type: 'string', 'x-mcp-header': true } })],
    ['that is no header name', schema({ a: { type: 'string', 'x-mcp-header': 'A B' } })],
    ['that is empty', schema({ a: { type: 'string', 'x-mcp-header': '' } })],
    [
      'that comes twice, in other letters',
      schema({ a: { type: 'string', 'x-mcp-header': 'A' }, b: { type: 'string', 'x-mcp-header': 'a' } }),
    ],
    ['below items', schema({ a: { type: 'array', items: { type: 'string', 'x-mcp-header': 'A' } } })],
    ['below oneOf', schema({}, { oneOf: [schema({ a: { type: 'string', 'x-mcp-header': 'A' } })] })],
    ['below definitions', schema({}, { $defs: { a: { type: 'string', 'x-mcp-header': 'A' } } })],
  ])('calls a schema with an annotation %s invalid', (_what, inputSchema) => {
    expect(readParamHeaders(inputSchema)).toBeNull()
  })

  it('does not take a property of that name for an annotation', () => {
    expect(readParamHeaders(schema({ 'x-mcp-header': { type: 'string' } }))).toEqual([])
  })

  it('ends for a schema that nests very deeply', () => {
    let deep: object = { type: 'string', 'x-mcp-header': 'A' }
    for (let i = 0; i < 500; i++) deep = schema({ a: deep })
    expect(readParamHeaders(deep)).toEqual([])
  })
})

describe('checkParamHeaders', () => {
  const annotations = [
    { header: 'Region', path: ['region'] },
    { header: 'Count', path: ['options', 'count'] },
  ]
  const check = (headers: HeaderLookup, args: unknown) => () => checkParamHeaders(headers, annotations, args)

  it.each([
    [
      { 'mcp-param-region': 'eu', 'mcp-param-count': '5' },
      { region: 'eu', options: { count: 5 } },
    ],
    [{ 'mcp-param-region': encodeHeaderValue('Süd') }, { region: 'Süd' }],
    [{ 'mcp-param-region': 'true' }, { region: true }],
    [{ 'mcp-param-count': '1e3' }, { options: { count: 1000 } }],
    [{}, { region: null }],
    [{}, undefined],
    [{}, { options: 'none' }],
  ])('lets %j pass for %j', (headers, args) => {
    expect(check(headers, args)).not.toThrow()
  })

  it.each([
    [{}, { region: 'eu' }],
    [{ 'mcp-param-region': 'us' }, { region: 'eu' }],
    [{ 'mcp-param-region': 'eu' }, {}],
    [{ 'mcp-param-region': 'True' }, { region: true }],
    [{ 'mcp-param-count': '' }, { options: { count: 0 } }],
    [{ 'mcp-param-count': '6' }, { options: { count: 5 } }],
    [{ 'mcp-param-region': '[object Object]' }, { region: {} }],
  ])('refuses %j for %j', (headers, args) => {
    expect(check(headers, args)).toThrow(mismatch)
  })

  it('accepts what buildParamHeaders makes', () => {
    const args = { region: ' Ü ', options: { count: -3 } }
    const flat = buildParamHeaders(annotations, args)
    expect(flat).toEqual(['mcp-param-region', '=?base64?IMOcIA==?=', 'mcp-param-count', '-3'])
    expect(check(Object.fromEntries([flat.slice(0, 2), flat.slice(2)]), args)).not.toThrow()
  })

  it('refuses to make one of what no header can hold', () => {
    expect(() => buildParamHeaders(annotations, { region: 'x'.repeat(8_193) })).toThrow(
      expect.objectContaining({ code: 'invalid_params' }),
    )
    expect(buildParamHeaders(annotations, { region: 'x'.repeat(8_192) })).toHaveLength(2)
  })

  it('makes no header for what is absent or cannot be one', () => {
    expect(buildParamHeaders(annotations, { region: null, options: { count: [1] } })).toEqual([])
  })
})
