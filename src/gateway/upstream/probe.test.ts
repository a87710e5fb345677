import { beforeEach, describe, expect, it } from 'vitest'
import { createEventReader } from '#adapters/mcp-http/event-reader.ts'
import { GatewayError } from '#contract/errors.ts'
import { failureOf } from '#test/support/failure.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { FakeHttpWire, type FakeExchange } from '#test/support/fake-http-wire.ts'
import { leaseOf } from '#test/support/leases.ts'
import { probeHttp } from './probe.ts'

let clock: FakeClock
let wire: FakeHttpWire

beforeEach(() => {
  clock = new FakeClock()
  wire = new FakeHttpWire()
})

function probe(script: (exchange: FakeExchange) => void) {
  wire.script = script
  return probeHttp({
    exchange: {
      wire,
      createEventReader,
      responseBytesMax: 10_000,
      lease: leaseOf(['authorization', 'Bearer upstream']),
    },
    clock,
    clientInfo: { name: 'toolgate' },
    clientCapabilities: { roots: {} },
    timeoutMs: 5_000,
  })
}

const facts = {
  supportedVersions: ['2026-07-28', '2027-01-01'],
  capabilities: { tools: {} },
  instructions: 'be kind',
  _meta: { 'io.modelcontextprotocol/serverInfo': { name: 's' } },
}
const error =
  (code: number, data: object = {}) =>
  (exchange: FakeExchange) =>
    exchange.json({ jsonrpc: '2.0', id: exchange.body['id'], error: { code, message: 'no', data } }, 400)

describe('probeHttp', () => {
  it('asks with the modern headers and the gateway’s credential', async () => {
    await probe((exchange) => exchange.result(facts))
    const [one] = wire.exchanges
    expect(['mcp-protocol-version', 'mcp-method', 'authorization'].map((name) => one?.header(name))).toEqual([
      '2026-07-28',
      'server/discover',
      'Bearer upstream',
    ])
    expect(one?.body).toMatchObject({
      method: 'server/discover',
      params: { _meta: { 'io.modelcontextprotocol/clientCapabilities': { roots: {} } } },
    })
  })

  it('gives what a modern server says of itself', async () => {
    expect(await probe((exchange) => exchange.result(facts))).toEqual({
      era: 'modern',
      revision: '2026-07-28',
      capabilities: { tools: {} },
      serverInfo: { name: 's' },
      instructions: 'be kind',
    })
  })

  it('takes the answer from a stream as well', async () => {
    const outcome = await probe((exchange) => {
      exchange.openStream()
      exchange.event({ jsonrpc: '2.0', id: exchange.body['id'], result: facts })
    })
    expect(outcome).toMatchObject({ era: 'modern' })
  })

  it('asks once more where a server first says that it knows our revision', async () => {
    let asked = 0
    const outcome = await probe((exchange) => {
      if (asked++ === 0) error(-32_022, { supported: ['2026-07-28'] })(exchange)
      else exchange.result(facts)
    })
    expect(outcome).toMatchObject({ era: 'modern' })
    expect(asked).toBe(2)
  })

  it.each<[string, (exchange: FakeExchange) => void]>([
    ['an error that no modern server gives', error(-32_000)],
    ['an unknown method', error(-32_601)],
    ['an answer under a strange id', (one) => one.json({ jsonrpc: '2.0', id: 'server-error', error: {} }, 400)],
    ['another revision only', (one) => one.result({ supportedVersions: ['2027-01-01'] })],
    ['something else', (one) => one.result({ tools: [] })],
    ['an empty answer', (one) => one.empty(202)],
    ['a web page that says 404', (one) => one.head(404, { 'content-type': 'text/html' })],
    ['405', (one) => one.empty(405)],
    ['a web page', (one) => one.head(200, { 'content-type': 'text/html' })],
  ])('takes %s for legacy', async (_what, script) => {
    expect(await probe(script)).toBe('legacy')
    expect(clock.waiting).toBe(0)
  })

  it.each<[string, (exchange: FakeExchange) => void, string]>([
    ['a modern refusal', error(-32_021), 'upstream_protocol'],
    ['a modern server of other revisions', error(-32_022, { supported: ['2027-01-01'] }), 'upstream_protocol'],
    ['a refused credential', (one) => one.empty(401), 'upstream_auth_failed'],
    ['a redirect', (one) => one.empty(302), 'upstream_redirected'],
    ['too many requests', (one) => one.empty(429), 'upstream_rate_limited'],
    ['a server in trouble', (one) => one.empty(503), 'upstream_unreachable'],
    ['nobody there', (one) => one.fail(new GatewayError('upstream_unreachable')), 'upstream_unreachable'],
    ['silence', (one) => one.fail(new GatewayError('upstream_timeout')), 'upstream_timeout'],
  ])('takes %s for no evidence of an era', async (_what, script, code) => {
    expect(await failureOf(probe(script))).toMatchObject({ code })
  })
})
