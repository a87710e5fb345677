import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileForwarding, traceOnly, type ForwardingRule } from './forwarded-headers.ts'

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const namesOf = (flat: readonly string[]) => flat.filter((_, index) => index % 2 === 0)

describe('trace context alone', () => {
  it('passes trace context and nothing else', () => {
    const headers = {
      authorization: 'Bearer tg_secret',
      cookie: 'a=b',
      'x-api-key': 'k',
      'x-forwarded-for': '1.2.3.4',
      host: 'gateway',
      connection: 'traceparent',
      'mcp-session-id': 's',
      'mcp-param-region': 'eu',
      'content-type': 'application/json',
      baggage: 'user=1',
      tracestate: 'v=1',
      traceparent,
    }
    expect(traceOnly.fromCaller(headers)).toEqual([
      'traceparent',
      traceparent,
      'tracestate',
      'v=1',
      'baggage',
      'user=1',
    ])
  })

  it('joins a header that came more than once', () => {
    expect(traceOnly.fromCaller({ baggage: ['a=1', 'b=2'] })).toEqual(['baggage', 'a=1,b=2'])
  })

  it.each(['', 'a\r\nx: y', 'a\nb', '\0', 'č', 'x'.repeat(8_193)])(
    'drops a value that no header should carry',
    (value) => {
      expect(traceOnly.fromCaller({ baggage: value, traceparent })).toEqual(['traceparent', traceparent])
    },
  )

  it('passes no name outside the list, whatever is sent', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (headers) => {
        for (const name of namesOf(traceOnly.fromCaller(headers)))
          expect(['traceparent', 'tracestate', 'baggage']).toContain(name)
      }),
    )
    expect(traceOnly.fromCaller({})).toEqual([])
  })
})

describe('compileForwarding', () => {
  const nothing: ForwardingRule = { forwardHeaders: [], cookies: null }
  const traceOnly = compileForwarding(nothing, [])

  it('is one and the same where a definition says nothing, and passes trace context', () => {
    expect(compileForwarding({ forwardHeaders: [], cookies: { names: [] } }, ['authorization', 'x-team'])).toBe(
      traceOnly,
    )
    expect(compileForwarding({ forwardHeaders: ['TraceParent'], cookies: null }, [])).toBe(traceOnly)
    expect(traceOnly.cookie).toBeNull()
    expect(traceOnly.fromCaller({ traceparent, 'x-tenant': 'a' })).toEqual(['traceparent', traceparent])
  })

  it('passes what is listed, whatever the case of the list', () => {
    const forwarding = compileForwarding({ ...nothing, forwardHeaders: ['X-Tenant', 'x-tenant', 'X-Region'] }, [])
    const headers = { 'x-tenant': 'acme', 'x-region': ['eu', 'us'], 'x-other': 'o', traceparent }
    expect(forwarding.fromCaller(headers)).toEqual([
      'traceparent',
      traceparent,
      'x-tenant',
      'acme',
      'x-region',
      'eu,us',
    ])
    expect(forwarding.fromCaller({ 'x-tenant': '' })).toEqual([])
    expect(forwarding.fromCaller({})).toEqual([])
  })

  it('passes nothing that the definition itself sets', () => {
    const own = ['x-tenant', 'baggage', 'authorization']
    const forwarding = compileForwarding({ ...nothing, forwardHeaders: ['X-Tenant', 'x-region'] }, own)
    expect(forwarding.fromCaller({ 'x-tenant': 'theirs', 'x-region': 'eu', baggage: 'a=1', traceparent })).toEqual([
      'traceparent',
      traceparent,
      'x-region',
      'eu',
    ])
  })

  it.each([
    'Authorization',
    'COOKIE',
    'X-Api-Key',
    'Mcp-Session-Id',
    'mcp-param-region',
    'Host',
    'Content-Type',
    'x y',
    '',
  ])('refuses to forward %j', (name) => {
    expect(() => compileForwarding({ ...nothing, forwardHeaders: [name] }, [])).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    )
  })

  it.each(['constructor', '__proto__'])('finds no header in %s, which every object has', (name) => {
    const forwarding = compileForwarding({ ...nothing, forwardHeaders: [name] }, [])
    expect(forwarding.fromCaller({})).toEqual([])
  })

  it.each(['a\r\nx: y', 'č', 'x'.repeat(8_193)])('refuses what no header should carry, by name', (value) => {
    const forwarding = compileForwarding({ ...nothing, forwardHeaders: ['x-tenant'] }, [])
    expect(() => forwarding.fromCaller({ 'x-tenant': value })).toThrow(
      expect.objectContaining({ code: 'invalid_header', details: expect.objectContaining({ header: 'x-tenant' }) }),
    )
  })

  it('keeps cookies apart from headers', () => {
    const forwarding = compileForwarding({ forwardHeaders: ['x-tenant'], cookies: { names: ['sid'] } }, [])
    expect(forwarding.fromCaller({ cookie: 'sid=1', 'x-tenant': 'a' })).toEqual(['x-tenant', 'a'])
    expect(forwarding.cookie?.('sid=1; toolgate_session=2')).toBe('sid=1')
  })

  it('refuses two sources of Cookie', () => {
    const rule: ForwardingRule = { forwardHeaders: [], cookies: { names: ['sid'] } }
    expect(() => compileForwarding(rule, ['cookie'])).toThrow(
      expect.objectContaining({ code: 'config_invalid', details: expect.objectContaining({ header: 'cookie' }) }),
    )
  })

  it('lets every cookie go to the own site only, and nowhere while that is not known', () => {
    const rule: ForwardingRule = { forwardHeaders: [], cookies: { names: ['*'] } }
    const publicUrl = 'https://gw.example.com'
    for (const sites of [undefined, { publicUrl, upstreamUrl: 'https://mcp.other.test' }])
      expect(() => compileForwarding({ ...rule, sites }, [])).toThrow(
        expect.objectContaining({ code: 'config_invalid', details: expect.objectContaining({ cookies: '*' }) }),
      )
    const sites = { publicUrl, upstreamUrl: 'https://mcp.gw.example.com' }
    expect(compileForwarding({ ...rule, sites }, []).cookie?.('a=1; b=2')).toBe('a=1; b=2')
  })

  it('passes no name twice and none that is not listed, whatever is listed and sent', () => {
    const name = fc.constantFrom('x-a', 'X-A', 'x-b', 'baggage', 'traceparent', 'Tracestate')
    const value = fc.stringMatching(/^[\x20-\x7e]{1,5}$/)
    const rule = fc.record({ list: fc.array(name), own: fc.array(name), sent: fc.dictionary(name, value) })
    fc.assert(
      fc.property(rule, ({ list, own, sent }) => {
        const ownNames = own.map((text) => text.toLowerCase())
        const allowed = [...list.map((text) => text.toLowerCase()), 'traceparent', 'tracestate', 'baggage']
        const names = namesOf(compileForwarding({ ...nothing, forwardHeaders: list }, ownNames).fromCaller(sent))
        expect(new Set(names).size).toBe(names.length)
        for (const name of names) {
          expect(allowed).toContain(name)
          expect(ownNames).not.toContain(name)
        }
      }),
    )
  })
})
