/** What a server over HTTP+SSE gets of its caller's own headers: each message is a request of its own, so a call's go with that call alone. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startGateway, type GatewayProcess } from '#test/support/gateway-process.ts'
import { askModern, LegacySession } from '#test/support/raw/client.ts'
import { tool } from '#test/support/raw/exchange.ts'
import { startRawSseUpstream, type RawSseUpstream } from '#test/support/raw/sse-upstream.ts'
import { tokenFor } from '#test/support/tokens.ts'

const token = tokenFor('caller')
let upstream: RawSseUpstream
let gateway: GatewayProcess

beforeAll(async () => {
  upstream = await startRawSseUpstream({ handlers: { 'tools/list': () => ({ tools: [tool('echo')] }) } })
  gateway = await startGateway({
    mcp_servers: {
      events: {
        url: upstream.url,
        auth: { cookie_passthrough: { cookie_names: ['session_id'] }, static_headers: { 'X-Team': 'platform' } },
        extra_headers: ['X-Tenant'],
      },
    },
    tokens: [{ name: 'caller', secret: token, policies: ['all'] }],
    policies: { all: { default: 'execute' } },
  })
})
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]()
  await upstream?.[Symbol.asyncDispose]()
})

const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const params = { name: 'echo', arguments: {} }
const addressOf = (tenant: string) => {
  const headers = {
    cookie: `a=1; session_id=of-${tenant}; b=2`,
    'x-tenant': tenant,
    'x-team': 'caller',
    traceparent: trace,
  }
  return { url: `${gateway.url}/events/mcp`, token, headers }
}

it('goes with a call, and with nothing else', async () => {
  await askModern(addressOf('one'), { method: 'tools/list' })
  await askModern(addressOf('one'), { method: 'tools/call', params })
  await using session = await LegacySession.open(addressOf('two'))
  await session.ask('tools/call', params)
  const shown = (name: string) =>
    upstream.seen.flatMap(({ method, headers }) => (headers[name] === undefined ? [] : [[method, headers[name]]]))
  expect(shown('cookie')).toEqual([
    ['tools/call', 'session_id=of-one'],
    ['tools/call', 'session_id=of-two'],
  ])
  expect(shown('x-tenant')).toEqual([
    ['tools/call', 'one'],
    ['tools/call', 'two'],
  ])
  expect(shown('traceparent')).toContainEqual(['tools/call', trace])
  expect(new Set(upstream.seen.map(({ headers }) => headers['x-team']))).toEqual(new Set(['platform']))
})
