import { describe, expect, it } from 'vitest'
import { createEventReader } from '#adapters/mcp-http/event-reader.ts'
import { GatewayError } from '#contract/errors.ts'
import { FakeHttpWire, type FakeExchange } from '#test/support/fake-http-wire.ts'
import { leaseOf } from '#test/support/leases.ts'
import { startExchange, type ExchangeHandlers } from './http-exchange.ts'

type Told = string[]

function start(more: Partial<ExchangeHandlers> = {}): { one: FakeExchange; told: Told } {
  const wire = new FakeHttpWire()
  const told: Told = []
  const handlers: ExchangeHandlers = {
    json: (head, body) => void told.push(`json ${head.status} ${body.toString()}`),
    empty: (head) => void told.push(`empty ${head.status}`),
    event: (data, id) => void told.push(`event ${data} ${id ?? '-'}`),
    streamOpened: () => void told.push('opened'),
    streamEnded: (retryMs) => void told.push(`ended ${retryMs ?? '-'}`),
    failed: (error, head) =>
      void told.push(`failed ${error.code} ${JSON.stringify(error.details)} ${head?.status ?? '-'}`),
    ...more,
  }
  const request = { method: 'POST' as const, headers: [], silenceMsMax: 0 }
  startExchange({ wire, createEventReader, responseBytesMax: 400_000, lease: leaseOf() }, request, handlers)
  return { one: wire.last('POST'), told }
}

describe('startExchange', () => {
  it('gives a JSON body whole, in whatever pieces it came and whatever its status', () => {
    const { one, told } = start()
    one.head(400, { 'content-type': 'Application/JSON; charset=utf-8' })
    for (const piece of ['{"a":', '"', 'ü'.slice(0, 1), '"}']) one.chunk(piece)
    expect(told).toEqual([])
    one.end()
    expect(told).toEqual(['json 400 {"a":"ü"}'])
  })

  it('takes a JSON body of nothing for an empty answer', () => {
    const { one, told } = start()
    one.head(200, { 'content-type': 'application/json' })
    one.end()
    expect(told).toEqual(['empty 200'])
  })

  it.each([
    [202, {}],
    [204, {}],
    [200, { 'content-length': '0' }],
    [404, { 'content-length': '0' }],
  ])('tells of an answer %i without a message', (status, headers) => {
    const { one, told } = start()
    one.head(status, headers)
    one.end()
    expect(told).toEqual([`empty ${status}`])
  })

  it('takes an event stream apart, and tells of its end with the wish for a delay', () => {
    const { one, told } = start()
    one.openStream()
    one.chunk('id: 1\nretry: 250\ndata: \n\ndata: a\nda')
    one.chunk('ta: b\n\n: comment\n\n')
    one.end()
    expect(told).toEqual(['opened', 'event  1', 'event a\nb -', 'ended 250'])
  })

  it('tells of a stream that is lost as of one that ends', () => {
    const { one, told } = start()
    one.openStream()
    one.fail(new GatewayError('upstream_closed'))
    expect(told).toEqual(['opened', 'ended -'])
  })

  it('tells of a stream that fails otherwise as of a failure', () => {
    const { one, told } = start()
    one.openStream()
    one.fail(new GatewayError('upstream_timeout'))
    expect(told).toEqual(['opened', 'failed upstream_timeout {} 200'])
  })

  it.each([
    [301, 'upstream_redirected'],
    [308, 'upstream_redirected'],
    [401, 'upstream_auth_failed'],
    [403, 'upstream_auth_failed'],
    [407, 'upstream_auth_failed'],
    [429, 'upstream_rate_limited'],
    [500, 'upstream_unreachable'],
    [503, 'upstream_unreachable'],
  ])('never reads the body of %i, which may echo our credential: %s', (status, code) => {
    const { one, told } = start()
    one.json({ jsonrpc: '2.0', id: 1, result: { secret: 'Bearer upstream' } }, status)
    expect(told).toEqual([`failed ${code} {"status":${status}} ${status}`])
    expect(one.isAborted).toBe(true)
  })

  it.each([
    [200, 'text/html', 'upstream_protocol'],
    [200, undefined, 'upstream_protocol'],
    [404, 'text/plain', 'upstream_unreachable'],
    [404, 'text/event-stream', 'upstream_unreachable'],
  ])('refuses %i of type %s', (status, type, code) => {
    const { one, told } = start()
    one.head(status, type === undefined ? {} : { 'content-type': type })
    one.chunk('hello')
    one.end()
    expect(told).toHaveLength(1)
    expect(told[0]).toContain(`failed ${code}`)
    expect(one.isAborted).toBe(true)
  })

  it.each<[string, (one: FakeExchange) => void]>([
    ['a body that says so', (one) => one.head(200, { 'content-type': 'application/json', 'content-length': '400001' })],
    [
      'a body that grows so',
      (one) => {
        one.head(200, { 'content-type': 'application/json' })
        one.chunk('x'.repeat(400_001))
      },
    ],
    [
      'an event that never ends',
      (one) => {
        one.openStream()
        for (let i = 0; i < 5; i++) one.chunk(`data: ${'x'.repeat(100_000)}\n`)
      },
    ],
    [
      'an answer without a message',
      (one) => {
        one.head(202)
        one.chunk('x'.repeat(262_145))
      },
    ],
  ])('ends %s at the limit', (_what, play) => {
    const { one, told } = start()
    play(one)
    expect(told.at(-1)).toContain('failed upstream_too_large')
    expect(one.isAborted).toBe(true)
  })

  it('lets a stream be longer than one event may be', () => {
    const { one, told } = start({ event: () => undefined })
    one.openStream()
    for (let i = 0; i < 10; i++) one.event('x'.repeat(100_000))
    one.end()
    expect(told).toEqual(['opened', 'ended -'])
  })

  it('tells of a failure before anything came', () => {
    const { one, told } = start()
    one.fail(new GatewayError('upstream_unreachable'))
    expect(told).toEqual(['failed upstream_unreachable {} -'])
  })

  it('tells nothing more after its end', () => {
    const { one, told } = start({
      event: () => one.abort(),
    })
    one.openStream()
    one.event('a')
    one.event('b')
    one.end()
    expect(told).toEqual(['opened'])
  })

  it('shows each sign of life', () => {
    let signs = 0
    const { one } = start({ alive: () => signs++ })
    one.openStream()
    one.chunk(': ping\n\n')
    one.chunk(': ping\n\n')
    expect(signs).toBe(3)
  })
})
