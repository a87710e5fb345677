import { beforeEach, describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import { failureOf } from '#test/support/failure.ts'
import { settled } from '#test/support/fake-clock.ts'
import { legacyHttpScript, type FakeExchange } from '#test/support/fake-http-wire.ts'
import { LegacyHttpLab, note } from '#test/support/legacy-http-lab.ts'

let lab: LegacyHttpLab

beforeEach(() => {
  lab = new LegacyHttpLab()
})

describe('opening', () => {
  it('initializes, says so, and listens, with the session id and revision that it was given', async () => {
    const session = await lab.open()
    expect(session.facts).toMatchObject({ era: 'legacy', revision: '2025-11-25', serverInfo: { name: 'fake' } })
    expect(lab.wire.exchanges.map(({ request, body }) => [request.method, body['method']])).toEqual([
      ['POST', 'initialize'],
      ['POST', 'notifications/initialized'],
      ['GET', undefined],
    ])
    const [first, second, third] = lab.wire.exchanges
    expect(first?.header('mcp-session-id')).toBeUndefined()
    expect(first?.header('authorization')).toBe('Bearer upstream')
    for (const later of [second, third]) {
      expect(later?.header('mcp-session-id')).toBe('up-1')
      expect(later?.header('mcp-protocol-version')).toBe('2025-11-25')
    }
    expect(lab.clock.waiting).toBe(0)
  })

  it('takes the answer from a stream as well', async () => {
    lab.wire.script = legacyHttpScript(
      {},
      {
        initialize: (exchange) => {
          exchange.openStream({ 'mcp-session-id': 'of-a-stream' })
          exchange.event('', 'priming')
          const result = { protocolVersion: '2025-03-26', capabilities: {} }
          exchange.event({ jsonrpc: '2.0', id: exchange.body['id'], result })
        },
      },
    )
    const session = await lab.open()
    expect(session.facts.revision).toBe('2025-03-26')
    expect(lab.wire.last('notifications/initialized').header('mcp-session-id')).toBe('of-a-stream')
  })

  it.each([400, 404, 405])('says the status %i with which initialize was refused', async (status) => {
    lab.wire.script = (exchange) => exchange.empty(status)
    expect(await failureOf(lab.open())).toMatchObject({ details: { status } })
  })

  it.each<[string, (exchange: FakeExchange) => void, string]>([
    ['an unknown revision', (one) => one.result({ protocolVersion: '1999-01-01' }), 'upstream_protocol'],
    ['an answer to something else', (one) => one.json({ jsonrpc: '2.0', id: 77, result: {} }), 'upstream_protocol'],
    ['a web page', (one) => one.head(200, { 'content-type': 'text/html' }), 'upstream_protocol'],
    ['a redirect', (one) => one.empty(307), 'upstream_redirected'],
    ['a refusal of the credential', (one) => one.empty(401), 'upstream_auth_failed'],
    ['a failure of its own', (one) => one.empty(503), 'upstream_unreachable'],
  ])('fails for %s', async (_what, script, code) => {
    lab.wire.script = script
    expect(await failureOf(lab.open())).toMatchObject({ code })
    expect(lab.clock.waiting).toBe(0)
  })
})

describe('the session’s own stream', () => {
  beforeEach(() => lab.play((exchange) => exchange.request.method === 'GET'))

  it('carries what belongs to no call', async () => {
    await lab.open()
    lab.get.openStream()
    lab.get.event(note('notifications/resources/list_changed'))
    lab.get.event(note('notifications/message', { level: 'info' }))
    lab.get.event({ jsonrpc: '2.0', id: 'q', method: 'roots/list' })
    lab.get.event('no JSON')
    await settled()
    expect(lab.outside.map(({ what }) => what)).toEqual(['resources', 'log'])
    expect(lab.wire.exchanges.at(-1)?.body).toEqual({ jsonrpc: '2.0', id: 'q', result: { outside: 'roots/list' } })
  })

  it('may carry the answer to a call that lost its own', async () => {
    const session = await lab.open()
    const call = session.call(lab.toolCall(), lab.hooks())
    lab.get.openStream()
    lab.get.event(lab.response({ late: true }))
    expect(await call).toEqual({ result: { late: true } })
  })

  it('is opened again where it ended, later each time the server cannot be reached', async () => {
    await lab.open()
    lab.get.openStream()
    lab.get.event(note('notifications/x'), 's-1')
    lab.get.end()
    await lab.clock.advance(1_000)
    expect(lab.get.header('last-event-id')).toBe('s-1')
    const opened = lab.wire.exchanges.length
    lab.get.fail(new GatewayError('upstream_unreachable'))
    await lab.clock.advance(1_999)
    expect(lab.wire.exchanges.length).toBe(opened)
    await lab.clock.advance(1)
    expect(lab.wire.exchanges.length).toBe(opened + 1)
  })

  it('is not opened again in haste, whatever the server wishes', async () => {
    await lab.open()
    const before = lab.wire.exchanges.length
    for (let i = 0; i < 1_000; i++) {
      if (!lab.get.isAborted) {
        lab.get.openStream()
        lab.get.chunk('retry: 0\n\n')
        lab.get.end()
      }
      await lab.clock.advance(1)
    }
    expect(lab.wire.exchanges.length - before).toBeLessThan(20)
  })

  it('is left alone where the server has none', async () => {
    await lab.open()
    lab.get.empty(405)
    await lab.clock.advance(120_000)
    expect(lab.wire.exchanges.filter(({ request }) => request.method === 'GET')).toHaveLength(1)
  })
})

describe('closing', () => {
  it('ends what is under way, takes leave of the server, and is told once', async () => {
    const session = await lab.open()
    const failure = failureOf(session.call(lab.toolCall(), lab.hooks()))
    await session.close()
    await session.close()
    expect(await failure).toMatchObject({ code: 'upstream_closed' })
    expect(lab.wire.last('DELETE').header('mcp-session-id')).toBe('up-1')
    expect(lab.ends).toEqual([null])
    expect(lab.clock.waiting).toBe(0)
  })

  it('does not wait for a server that says nothing any more', async () => {
    const session = await lab.open()
    lab.wire.script = () => undefined
    const closed = session.close()
    await lab.clock.advance(5_000)
    await closed
    expect(lab.clock.waiting).toBe(0)
  })

  it('comes by itself when the server has forgotten the session', async () => {
    const session = await lab.open()
    const failure = failureOf(session.call(lab.toolCall(), lab.hooks()))
    lab.post.empty(404)
    expect(await failure).toMatchObject({ code: 'session_not_found' })
    expect(session.isOpen).toBe(false)
    expect(lab.ends).toMatchObject([{ code: 'session_not_found' }])
  })
})
