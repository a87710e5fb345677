/** What clients see of a server that wants an account of whoever calls: before it is connected, when it comes, and when it goes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BrowserPage } from '#test/support/browser.ts'
import { openConnectLab, type ConnectLab } from '#test/support/connect-lab.ts'
import { plant } from '#test/support/planted.ts'
import { askModern, LegacySession, listOf, type Address, type Received } from '#test/support/raw/client.ts'
import type { Json } from '#test/support/raw/exchange.ts'
import { rawUpstream, type RawUpstream } from '#test/support/raw-upstream.ts'
import { TokenDoor } from '#test/support/token-door.ts'
import { until } from '#test/support/until.ts'

const startMsMax = 60_000
const patience = { timeoutMs: 20_000 }
const urls = { elicitation: { url: {} } }
const connectKey = 'toolgate/connect'

let lab: ConnectLab
let door: TokenDoor
let upstream: RawUpstream
let plain: RawUpstream

beforeAll(async () => {
  upstream = await rawUpstream({ tools: ['read'], guard: (exchange) => door.guard(exchange) })
  plain = await rawUpstream({ tools: ['echo'] })
  lab = await openConnectLab({
    servers: (issuer) => ({
      notes: {
        url: upstream.url,
        credential: { kind: 'oauth2_authorization_code', issuer, scopes: ['mcp:read', 'offline_access'] },
        headers: { 'X-Gate': plant('static') },
      },
      plain: { url: plain.url },
    }),
  })
  door = new TokenDoor(lab.server)
}, startMsMax)
afterAll(async () => {
  await lab?.[Symbol.asyncDispose]()
  await upstream?.[Symbol.asyncDispose]()
  await plain?.[Symbol.asyncDispose]()
})

const tokens = new Map<string, string>()

/** Where and as whom somebody calls; without a server, all of them together. */
async function addressOf(name: string, server = ''): Promise<Address> {
  const known = tokens.get(name)
  const bearer = await lab.bearerOf(name)
  const made = async () => {
    const { body } = await lab.gateway.api('POST', '/tokens', { bearer, body: { name: `calls-of-${name}` } })
    return String(body['secret'])
  }
  const token = known ?? (await made())
  tokens.set(name, token)
  return { url: `${lab.gateway.url}/mcp${server === '' ? '' : `/${server}`}`, token }
}

const read = { name: 'read', arguments: {} }
const disconnect = async (name: string) =>
  lab.gateway.api('DELETE', '/connections/notes', { bearer: await lab.bearerOf(name) })

/** Goes where a client was sent, to the end. */
async function follow(url: unknown, name: string): Promise<BrowserPage> {
  const { pathname, search, origin } = new URL(String(url))
  expect(origin).toBe(lab.gateway.url)
  const browser = await lab.browserOf(name)
  const leaving = await browser.submit(await browser.open(pathname + search), '/start')
  const back = await lab.consent(leaving, { login: `${name} at notes` })
  return browser.open(back.pathname + back.search)
}

const member = (value: unknown, ...path: string[]): unknown =>
  path.reduce<unknown>((one, key) => (typeof one === 'object' && one !== null ? (one as Json)[key] : undefined), value)

const namesIn = (answer: Received): unknown[] => listOf(answer, 'tools').map(({ name }) => name)

function expectLink(url: unknown): void {
  expect(url).toEqual(expect.stringContaining(`${lab.gateway.url}/connect/notes`))
}

describe('a call without the account', { timeout: startMsMax }, () => {
  it('asks a modern client to open an address; when it comes back with the account there, the call is made', async () => {
    const to = await addressOf('ann', 'notes')
    const asked = await askModern(to, { method: 'tools/call', params: read, capabilities: urls })
    expect(asked.result).toMatchObject({
      resultType: 'input_required',
      inputRequests: { [connectKey]: { method: 'elicitation/create', params: { mode: 'url' } } },
    })
    const url = member(asked.result, 'inputRequests', connectKey, 'params', 'url')
    expectLink(url)
    expect(upstream.seen).toEqual([])

    expect((await follow(url, 'ann')).text).toContain('notes is connected')
    const params = { ...read, inputResponses: { [connectKey]: { action: 'accept' } } }
    const answered = await askModern(to, { method: 'tools/call', params, capabilities: urls })
    expect(answered.result?.['content']).toEqual([{ type: 'text', text: 'ok' }])
    expect(upstream.calls('read')).toHaveLength(1)
    expect(JSON.stringify(upstream.seen)).not.toContain(connectKey)
    await disconnect('ann')
  })

  it('is answered with −32042 where a client of 2025-11-25 opens addresses', async () => {
    await using client = await LegacySession.open(await addressOf('ann', 'notes'), urls)
    for (const [method, params] of [
      ['tools/call', read],
      ['tools/list', {}],
    ] as const) {
      const { error, result } = await client.ask(method, params)
      expect(result).toBeUndefined()
      expect(error?.code).toBe(-32042)
      const [elicitation] = (error?.data?.['elicitations'] ?? []) as Json[]
      expect(elicitation).toMatchObject({ mode: 'url', elicitationId: expect.any(String) })
      expectLink(elicitation?.['url'])
    }
  })

  it.each(['2025-11-25', '2025-06-18', '2025-03-26'])(
    'is a failed result with the address for a client of %s',
    async (revision) => {
      const capabilities = revision === '2025-11-25' ? {} : urls
      await using client = await LegacySession.open(await addressOf('bob', 'notes'), capabilities, revision)
      const { result } = await client.ask('tools/call', read)
      expect(result).toMatchObject({ isError: true, content: [{ type: 'text' }] })
      expectLink(member(result, '_meta', connectKey, 'connectUrl'))
    },
  )

  it.each([{}, { elicitation: { form: {} } }])(
    'is a failed result with the address for a modern client with %j',
    async (capabilities) => {
      const to = await addressOf('bob', 'notes')
      const { result } = await askModern(to, { method: 'tools/call', params: read, capabilities })
      expect(result).toMatchObject({ isError: true, _meta: { [connectKey]: { server: 'notes', state: 'missing' } } })
      expectLink(member(result, '_meta', connectKey, 'connectUrl'))
      expect(JSON.stringify(result?.['content'])).toContain(`${lab.gateway.url}/connect/notes`)
    },
  )
})

describe('a call without the account, at the address of all servers', { timeout: startMsMax }, () => {
  it('is told where to go as well, though nobody could list the tool', async () => {
    const to = await addressOf('bob')
    const params = { name: 'notes__read', arguments: {} }
    const asked = await askModern(to, { method: 'tools/call', params, capabilities: urls })
    expectLink(member(asked.result, 'inputRequests', connectKey, 'params', 'url'))
    await using client = await LegacySession.open(to, urls)
    expect((await client.ask('tools/call', params)).error?.code).toBe(-32042)
  })

  it('is an unknown tool for whom the server does not exist, or the tool', async () => {
    const rules = [{ server: 'notes', tool: 'read', level: 'deny' }]
    await lab.gateway.api('POST', '/policies', { body: { name: 'no-read', default: 'execute', rules } })
    const owner = { kind: 'user', ref: 'cid' }
    const token = await lab.gateway.mint({ name: 'narrow', owner, policies: ['no-read'] })
    const call = (to: Address, name: string) => askModern(to, { method: 'tools/call', params: { name, arguments: {} } })
    for (const to of [await addressOf('dot'), { ...(await addressOf('cid')), token }])
      expect((await call(to, 'notes__read')).error?.data).toMatchObject({ code: 'tool_not_found' })
    // Another one of that server may be there.
    const { result } = await call({ ...(await addressOf('cid')), token }, 'notes__other')
    expectLink(member(result, '_meta', connectKey, 'connectUrl'))
  })
})

describe('lists without the account', { timeout: startMsMax }, () => {
  it('together have what the others offer, and say of this one where to go', async () => {
    const before = upstream.seen.length
    for (const answer of await listedBy('bob', '')) {
      expect(namesIn(answer)).toEqual(['plain__echo'])
      const reports = member(answer.result, '_meta', 'toolgate/servers') as Json[]
      expect(reports).toContainEqual({ name: 'plain', status: 'ok' })
      const report = reports.find(({ name }) => name === 'notes')
      expect(report).toMatchObject({ status: 'failing' })
      expect(JSON.stringify(report?.['reason'])).toContain('credential_required')
      expectLink(report?.['connectUrl'])
    }
    expect(upstream.seen).toHaveLength(before)
  })

  it('alone are refused, and never empty', async () => {
    const before = upstream.seen.length
    const answer = await askModern(await addressOf('bob', 'notes'), { method: 'tools/list' })
    expect(answer.result).toBeUndefined()
    expect(answer.error?.data).toMatchObject({ code: 'credential_required', server: 'notes' })
    expectLink(answer.error?.data?.['connectUrl'])
    expect(upstream.seen).toHaveLength(before)
  })
})

/** As a modern client, and as one of before. */
async function listedBy(name: string, server: string): Promise<Received[]> {
  const to = await addressOf(name, server)
  await using client = await LegacySession.open(to)
  return [await askModern(to, { method: 'tools/list' }), await client.ask('tools/list')]
}

/** Methods of what somebody is told on a stream that stays open: of a session, and of a subscription. */
async function hears(name: string, opened: AsyncDisposableStack): Promise<{ session: string[]; listening: string[] }> {
  const [session, listening]: [string[], string[]] = [[], []]
  const to = await addressOf(name)
  const client = opened.use(await LegacySession.open(to))
  // The list is what may change.
  await client.ask('tools/list')
  const stream = await client.follow(({ method }) => void session.push(String(method)))
  opened.defer(() => stream.close())
  const stop = new AbortController()
  opened.defer(() => stop.abort())
  const params = { notifications: { toolsListChanged: true } }
  const onMessage = ({ method }: Json): void => void listening.push(String(method))
  void askModern(to, { method: 'subscriptions/listen', params }, { signal: stop.signal, onMessage }).catch(
    () => undefined,
  )
  await until('the subscription is acknowledged', () => listening.length > 0, patience)
  return { session, listening }
}

describe('an account that is connected', { timeout: startMsMax }, () => {
  it('is heard of on the streams of its owner, and of nobody else', async () => {
    await using opened = new AsyncDisposableStack()
    const [bob, cid] = [await hears('bob', opened), await hears('cid', opened)]
    const changed = 'notifications/tools/list_changed'
    await follow(`${lab.gateway.url}/connect/notes`, 'bob')
    await until(
      'both of his streams say so',
      () => bob.session.includes(changed) && bob.listening.includes(changed),
      patience,
    )
    for (const answer of await listedBy('bob', '')) expect(namesIn(answer)).toContain('notes__read')
    for (const answer of await listedBy('cid', '')) expect(namesIn(answer)).toEqual(['plain__echo'])
    expect([...cid.session, ...cid.listening]).not.toContain(changed)
  })

  it('and ended is refused from the next call on, and its owner hears of that too', async () => {
    await using opened = new AsyncDisposableStack()
    const bob = await hears('bob', opened)
    const to = await addressOf('bob', 'notes')
    const call = () => askModern(to, { method: 'tools/call', params: read })
    expect((await call()).result?.['content']).toEqual([{ type: 'text', text: 'ok' }])
    const calls = upstream.calls('read').length
    expect((await disconnect('bob')).status).toBeLessThan(300)
    expect((await call()).result).toMatchObject({ isError: true, _meta: { [connectKey]: { state: 'revoked' } } })
    expect(upstream.calls('read')).toHaveLength(calls)
    await until('his stream says so', () => bob.session.includes('notifications/tools/list_changed'), patience)
  })

  it('was on every request that the server has seen', async () => {
    expect(door.tokens.length).toBeGreaterThan(5)
    expect(door.tokens).not.toContain('')
  })
})
