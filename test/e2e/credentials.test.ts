/** What a server sees of who is calling: the gateway's credential for it, and never anything of the caller's. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGateway, type GatewayProcess } from '../support/gateway-process.ts'
import { plant } from '../support/planted.ts'
import { LegacySession, askModern } from '../support/raw/client.ts'
import { tool } from '../support/raw/exchange.ts'
import { startRawUpstream, type Seen } from '../support/raw/http-upstream.ts'
import { startRawSseUpstream } from '../support/raw/sse-upstream.ts'
import { tokenFor } from '../support/tokens.ts'

const token = tokenFor('caller')
const secret = plant('Value_1')
const basic = Buffer.from(`toolgate:pa:ss ${secret}`).toString('base64')

const credentials = {
  none: { config: {}, headers: {} },
  bearer: {
    config: { credential: { kind: 'bearer', token: secret } },
    headers: { authorization: `Bearer ${secret}` },
  },
  'api-key': { config: { credential: { kind: 'api_key', key: secret } }, headers: { 'x-api-key': secret } },
  'named-key': {
    config: { credential: { kind: 'api_key', key: secret, header: 'X-Search-Key' } },
    headers: { 'x-search-key': secret },
  },
  basic: {
    config: { credential: { kind: 'basic', username: 'toolgate', password: `pa:ss ${secret}` } },
    headers: { authorization: `Basic ${basic}` },
  },
  static: {
    config: { credential: { kind: 'bearer', token: secret }, headers: { 'X-Team': 'platform', 'x-area': '${AREA}' } },
    headers: { authorization: `Bearer ${secret}`, 'x-team': 'platform', 'x-area': 'north' },
  },
} as const
type Kind = keyof typeof credentials
const kinds = Object.keys(credentials) as Kind[]
const transports = ['legacy', 'modern', 'sse'] as const
type Transport = (typeof transports)[number]

const open = new AsyncDisposableStack()
let gateway: GatewayProcess
/** What each server has seen, by its name. */
const seen = new Map<string, Seen[]>()
const nameOf = (transport: Transport, kind: Kind): string => `${transport}-${kind}`

beforeAll(async () => {
  const servers: Record<string, object> = {}
  for (const transport of transports) {
    for (const kind of kinds) {
      const upstream = open.use(await startUpstream(transport))
      const name = nameOf(transport, kind)
      seen.set(name, upstream.seen)
      servers[name] = { url: upstream.url, ...credentials[kind].config }
    }
  }
  const tokens = [{ name: 'caller', secret: token, policies: ['all'] }]
  const config = { servers, tokens, policies: { all: { default: 'execute' } } }
  gateway = open.use(await startGateway(config, { env: { AREA: 'north' } }))
})

afterAll(() => open.disposeAsync())

function startUpstream(transport: Transport) {
  const handlers = { 'tools/list': () => ({ tools: [tool('echo')] }) }
  return transport === 'sse' ? startRawSseUpstream({ handlers }) : startRawUpstream([transport], { handlers })
}

/** Calls as clients of both eras do, with headers of their own. */
async function call(name: string): Promise<Seen[]> {
  const headers = { cookie: 'sid=caller', 'x-api-key': 'caller', 'x-team': 'caller', 'x-forwarded-for': '10.0.0.1' }
  const to = { url: `${gateway.url}/${name}/mcp`, token, headers }
  const params = { name: 'echo', arguments: {} }
  const modern = await askModern(to, { method: 'tools/call', params })
  expect(modern.result?.['content']).toBeDefined()
  await using session = await LegacySession.open(to)
  const legacy = await session.ask('tools/call', params)
  expect(legacy.result?.['content']).toBeDefined()
  return seen.get(name) ?? []
}

const ofInterest = ['authorization', 'x-api-key', 'x-search-key', 'x-team', 'x-area', 'cookie', 'x-forwarded-for']

describe.each(transports)('a server over %s', (transport) => {
  it.each(kinds)('sees the credential of kind %s, exactly, with every request', async (kind) => {
    const requests = await call(nameOf(transport, kind))
    expect(requests.length).toBeGreaterThan(3)
    for (const { headers } of requests) {
      const shown = Object.fromEntries(ofInterest.flatMap((name) => (name in headers ? [[name, headers[name]]] : [])))
      expect(shown).toEqual(credentials[kind].headers)
    }
  })

  it('never sees the token of its caller', async () => {
    const requests = await call(nameOf(transport, 'none'))
    expect(JSON.stringify(requests)).not.toContain(token)
    expect(JSON.stringify(requests)).not.toContain(token.slice(3))
  })
})

describe('the gateway', () => {
  it('says nothing of a credential, in an answer or in its log', async () => {
    const to = { url: `${gateway.url}/mcp`, token }
    const listed = await askModern(to, { method: 'tools/list' })
    const wrong = await askModern(to, { method: 'tools/call', params: { name: 'legacy-bearer__nothing' } })
    expect(listed.result?.['tools']).toHaveLength(transports.length * kinds.length)
    for (const text of [JSON.stringify(listed), JSON.stringify(wrong), gateway.log()]) {
      for (const word of [secret, basic, token]) expect(text).not.toContain(word)
    }
  })
})
