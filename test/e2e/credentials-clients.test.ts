/** Servers that want a token of the gateway's own (OAuth 2, client credentials): what goes to them, and what happens where none can be had. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openAuthorizationServer, type TestAuthorizationServer } from '#test/support/authorization-server.ts'
import { startGateway, type GatewayConfig } from '#test/support/gateway-process.ts'
import { openHostileServer, type HostileServer } from '#test/support/hostile-authorization-server.ts'
import { startManagedGateway } from '#test/support/management.ts'
import { plant } from '#test/support/planted.ts'
import { askModern, LegacySession, type Address, type Received } from '#test/support/raw/client.ts'
import { tool } from '#test/support/raw/exchange.ts'
import { startRawSseUpstream, type RawSseUpstream } from '#test/support/raw/sse-upstream.ts'
import { rawUpstream, type RawUpstream } from '#test/support/raw-upstream.ts'
import { ownClient, TokenDoor, tokenIn } from '#test/support/token-door.ts'
import { tokenFor } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'

const startMsMax = 60_000
const secret = plant('client-secret')
const token = tokenFor('caller')
const callers = {
  tokens: [{ name: 'caller', secret: token, policies: ['all'] }],
  policies: { all: { default: 'execute' } },
}

let issuer: TestAuthorizationServer
let hostile: HostileServer
let door: TokenDoor
let modern: RawUpstream
let legacy: RawUpstream
let sse: RawSseUpstream

beforeAll(async () => {
  issuer = await openAuthorizationServer({ clients: [ownClient(secret)] })
  hostile = await openHostileServer()
})
beforeEach(async () => {
  door = new TokenDoor(issuer)
  const { guard } = door
  modern = await rawUpstream({ era: 'modern', guard })
  legacy = await rawUpstream({ era: 'legacy', guard })
  sse = await startRawSseUpstream({ handlers: { 'tools/list': () => ({ tools: [tool('echo')] }) } })
  return async () => {
    for (const one of [modern, legacy, sse]) await one[Symbol.asyncDispose]()
  }
})
afterAll(async () => {
  await issuer?.[Symbol.asyncDispose]()
  await hostile?.[Symbol.asyncDispose]()
})

const params = { name: 'echo', arguments: {} }
const client = (over: object = {}) => ({
  kind: 'oauth2_client_credentials',
  tokenUrl: `${issuer.issuer}/token`,
  clientId: 'gateway',
  clientSecret: secret,
  scopes: ['mcp:read'],
  ...over,
})
const call = (to: Address) => askModern(to, { method: 'tools/call', params })
/** Code of the catalogue, or that it went well. */
const endOf = ({ result, error }: Received): unknown => (result ? 'ok' : (error?.data?.['code'] ?? error))
const isOfTheGateway = async (text: string): Promise<boolean> => (await issuer.findToken(text))?.clientId === 'gateway'

/** Lists and calls, as clients of both eras do. */
async function use(to: Address): Promise<void> {
  const listed = await askModern(to, { method: 'tools/list' })
  expect(listed.result?.['tools']).toEqual([expect.objectContaining({ name: 'echo' })])
  expect(endOf(await call(to))).toBe('ok')
  await using session = await LegacySession.open(to)
  expect((await session.ask('tools/list')).result?.['tools']).toHaveLength(1)
  expect(endOf(await session.ask('tools/call', params))).toBe('ok')
}

async function expectEachRequestKnown(): Promise<void> {
  const ofSse = sse.seen.map(({ headers }) => tokenIn(headers))
  const tokens = [...door.tokens, ...ofSse]
  const known = await Promise.all(tokens.map(isOfTheGateway))
  expect(tokens.length).toBeGreaterThan(0)
  expect(known).toEqual(tokens.map(() => true))
}

describe('a token of the gateway’s own goes with every request', { timeout: startMsMax }, () => {
  const documents: [string, () => GatewayConfig, Record<string, string>][] = [
    [
      'as the configuration says',
      () => ({
        servers: {
          modern: { url: modern.url, credential: client() },
          legacy: { url: legacy.url, credential: client() },
          events: { url: sse.url, transport: 'sse', credential: client() },
        },
      }),
      {},
    ],
    [
      'as the environment alone says',
      () => ({
        mcp_servers: {
          modern: { url: modern.url, transport: 'http' },
          legacy: { url: legacy.url, transport: 'http' },
          events: { url: sse.url },
        },
      }),
      { MCP_OAUTH2_CLIENT_ID: 'gateway', MCP_OAUTH2_CLIENT_SECRET: secret },
    ],
  ]

  it.each(documents)('%s, over each transport and for clients of both eras', async (_what, config, env) => {
    const more = Object.keys(env).length > 0 ? { ...env, MCP_OAUTH2_TOKEN_URL: `${issuer.issuer}/token` } : {}
    await using gateway = await startGateway({ ...config(), ...callers }, { env: more })
    const grants = issuer.grants.length
    for (const name of ['modern', 'legacy', 'events']) await use({ url: `${gateway.url}/${name}/mcp`, token })
    await expectEachRequestKnown()
    for (const upstream of [modern, legacy, sse]) expect(upstream.count('tools/call')).toBe(2)
    // One client of one authorization server: its token is for all of them.
    expect(issuer.grants.length - grants).toBe(1)
  })

  it('and the cookies that the configuration names with calls alone', async () => {
    const cookie = `session_id=${plant('cookie')}`
    const auth = { cookie_passthrough: { cookie_names: ['session_id'] } }
    const oauth2 = { token_url: `${issuer.issuer}/token`, client_id: 'gateway', client_secret: secret }
    const config = {
      mcp_config: { default_oauth2: oauth2 },
      mcp_servers: {
        modern: { url: modern.url, transport: 'http', auth },
        legacy: { url: legacy.url, transport: 'http', auth },
        events: { url: sse.url, auth },
      },
    }
    await using gateway = await startGateway({ ...config, ...callers })
    for (const name of ['modern', 'legacy', 'events'])
      await use({ url: `${gateway.url}/${name}/mcp`, token, headers: { cookie: `a=1; ${cookie}; b=2` } })
    await expectEachRequestKnown()
    const seen = [modern, legacy].map((upstream) =>
      upstream.seen.map(({ message, headers }) => [message['method'], headers.cookie]),
    )
    for (const requests of [...seen, sse.seen.map(({ method, headers }) => [method, headers.cookie])])
      expect(requests.filter(([, sent]) => sent !== undefined)).toEqual([
        ['tools/call', cookie],
        ['tools/call', cookie],
      ])
  })
})

describe('without a token nothing is sent', { timeout: startMsMax }, () => {
  const words = plant('words-of-the-authorization-server')
  const later = plant('later-token')
  const failures: [string, object, string][] = [
    ['is out of order', { status: 503, json: { error: 'server_error', error_description: words } }, 'server_error'],
    [
      'refuses the client',
      { status: 401, json: { error: 'invalid_client', error_description: words } },
      'invalid_client',
    ],
    ['answers with a page', { text: `<p>${words}</p>` }, 'malformed'],
    ['gives something else', { json: { token: words } }, 'malformed'],
  ]

  it.each(failures)('where the token endpoint %s', async (_what, said) => {
    hostile.say('/token', said)
    const credential = client({ tokenUrl: `${hostile.origin}/token` })
    await using gateway = await startGateway({ servers: { modern: { url: modern.url, credential } }, ...callers })
    const to = { url: `${gateway.url}/modern/mcp`, token }
    const answers = [await call(to), await askModern(to, { method: 'tools/list' })]
    expect(answers.map(endOf)).toEqual(['credential_unavailable', 'credential_unavailable'])
    expect(modern.seen).toEqual([])
    hostile.say('/token', { json: { access_token: later, token_type: 'Bearer', expires_in: 60 } })
    await until('it is asked again', async () => endOf(await call(to)) !== 'credential_unavailable', {
      timeoutMs: 20_000,
    })
    expect(door.tokens.length).toBeGreaterThan(0)
    expect(new Set(door.tokens)).toEqual(new Set([later]))
  })

  it('where the client’s secret is wrong, until the secret is another one', async () => {
    const wrong = plant('wrong-secret')
    await using gateway = await startManagedGateway({ egress: { allow: ['127.0.0.0/8'] } })
    await gateway.api('POST', '/secrets', { body: { name: 'client', value: wrong } })
    const credential = client({ clientSecret: { secretRef: 'client' } })
    const transport = { kind: 'streamable_http', url: modern.url, credential }
    expect((await gateway.api('POST', '/servers', { body: { name: 'modern', transport } })).status).toBe(201)
    const to = { url: `${gateway.url}/mcp/modern`, token: gateway.token }
    const refused = await call(to)
    expect([endOf(refused), refused.error?.data?.['reason']]).toEqual(['credential_unavailable', 'invalid_client'])
    expect(modern.seen).toEqual([])
    await gateway.api('PUT', '/secrets/client', { body: { name: 'client', value: secret } })
    await until('the new one is used', async () => endOf(await call(to)) === 'ok', { timeoutMs: 10_000 })
    await expectEachRequestKnown()
  })
})

describe('a server that refuses the token', { timeout: startMsMax }, () => {
  const start = async () => {
    const gateway = await startGateway({ servers: { modern: { url: modern.url, credential: client() } }, ...callers })
    const to = { url: `${gateway.url}/modern/mcp`, token }
    expect(endOf(await call(to))).toBe('ok')
    return { to, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() }
  }
  /** What a piece of work costs the authorization server, and the server. */
  const costOf = async (work: () => Promise<unknown>) => {
    const [grants, calls] = [issuer.grants.length, modern.calls('echo').length]
    await work()
    return { grants: issuer.grants.length - grants, calls: modern.calls('echo').length - calls }
  }

  it('is tried once more with a new one, for all calls together', async () => {
    await using gateway = await start()
    door.refused.add(door.tokens.at(-1) ?? '')
    let answers: Received[] = []
    const { grants } = await costOf(async () => {
      answers = await Promise.all(Array.from({ length: 20 }, () => call(gateway.to)))
    })
    expect(answers.map(endOf)).toEqual(answers.map(() => 'ok'))
    expect([grants, door.countTokens()]).toEqual([1, 2])
    await expectEachRequestKnown()
  })

  it('and the new one as well is told of, and no other token is asked for at once', async () => {
    await using gateway = await start()
    door.refusesAll = true
    const refused = async () => expect(endOf(await call(gateway.to))).toBe('upstream_auth_failed')
    expect(await costOf(refused)).toEqual({ grants: 1, calls: 2 })
    expect(await costOf(refused)).toEqual({ grants: 0, calls: 1 })
    await expectEachRequestKnown()
  })
})
