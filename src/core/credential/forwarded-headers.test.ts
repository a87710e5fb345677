import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { forwardedRequestHeaders } from './forwarded-headers.ts'

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const namesOf = (flat: readonly string[]) => flat.filter((_, index) => index % 2 === 0)

describe('forwardedRequestHeaders', () => {
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
    expect(forwardedRequestHeaders(headers)).toEqual([
      'traceparent',
      traceparent,
      'tracestate',
      'v=1',
      'baggage',
      'user=1',
    ])
  })

  it('joins a header that came more than once', () => {
    expect(forwardedRequestHeaders({ baggage: ['a=1', 'b=2'] })).toEqual(['baggage', 'a=1,b=2'])
  })

  it.each(['', 'a\r\nx: y', 'a\nb', '\0', 'č', 'x'.repeat(8_193)])(
    'drops a value that no header should carry',
    (value) => {
      expect(forwardedRequestHeaders({ baggage: value, traceparent })).toEqual(['traceparent', traceparent])
    },
  )

  it('passes no name outside the list, whatever is sent', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (headers) => {
        for (const name of namesOf(forwardedRequestHeaders(headers)))
          expect(['traceparent', 'tracestate', 'baggage']).toContain(name)
      }),
    )
    expect(forwardedRequestHeaders({})).toEqual([])
  })
})
