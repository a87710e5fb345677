/** Two gateway processes on one PostgreSQL and one Redis are one gateway: what is done on one holds on the other within a second. */
import assert from 'node:assert/strict'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { tokenIn } from '../support/cli/run-program.ts'
import { callApi, passwordIn, signIn, type ApiAnswer } from '../support/management.ts'
import { postgresDatabases, postgresStartMsMax } from '../support/postgres/databases.ts'
import { initialize, parseMessage } from '../support/raw-client.ts'
import { exchange, openEvents, type Json, type RawAnswer, type RawEvents } from '../support/raw-http.ts'
import { rawUpstream, type RawUpstream } from '../support/raw-upstream.ts'
import { describeWithRedis, type TestRedis } from '../support/redis.ts'
import { openReplicas, redisPassword, type Replica } from '../support/replica-processes.ts'
import { until } from '../support/until.ts'

/** What is promised, and what a busy machine may add. */
const soon = { timeoutMs: 1_000 + 1_500 }
const patience = { timeoutMs: 20_000 }

describeWithRedis('two processes', { timeout: 60_000 }, () => {
  const createDatabase = postgresDatabases()
  let redis: TestRedis
  let start: () => Promise<Replica>
  let upstream: RawUpstream
  let opened: AsyncDisposableStack
  let a: Replica
  let b: Replica
  /** Of a person who is signed in to the first. */
  let person: string
  let token: string

  type Asked = { method: string; path: string; body?: unknown; bearer?: null; headers?: Record<string, string> }
  const apiAt = (at: Replica, asked: Asked): Promise<ApiAnswer> => callApi(at.url, { bearer: person, ...asked })
  const api = (method: string, path: string, body?: unknown): Promise<ApiAnswer> =>
    apiAt(a, { method, path, ...(body === undefined ? {} : { body }) })

  beforeAll(async () => {
    upstream = await rawUpstream({ capabilities: { tools: { listChanged: true } } })
  })
  afterAll(() => upstream[Symbol.asyncDispose]())

  beforeEach(async () => {
    opened = new AsyncDisposableStack()
    const place = { postgres: await createDatabase(), server: upstream.url }
    ;({ redis, start } = await openReplicas(opened, place))
    a = await start()
    const banner = a.program.stdout()
    token = tokenIn(banner)
    person = await signIn(a.url, 'admin', passwordIn(banner))
    b = await start()
  }, postgresStartMsMax)

  afterEach(async () => {
    await opened.disposeAsync()
    for (const { program } of [a, b]) assert.ok(!program.stderr().includes(redisPassword))
  }, 20_000)

  const headersOf = (secret: string, session?: string): Record<string, string> => ({
    authorization: `Bearer ${secret}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(session === undefined ? {} : { 'mcp-session-id': session }),
  })

  const send = (at: Replica, body: Json, headers: Record<string, string>): Promise<RawAnswer> =>
    exchange(`${at.url}/mcp`, { method: 'POST', headers, body: JSON.stringify(body) })

  const echo = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'one__echo', arguments: {} } }

  async function openSession(at: Replica, secret: string): Promise<Record<string, string>> {
    const answer = await send(at, initialize(), headersOf(secret))
    expect(answer.status).toBe(200)
    return headersOf(secret, String(answer.headers['mcp-session-id']))
  }

  const statusAt = async (at: Replica, headers: Record<string, string>): Promise<number> =>
    (await send(at, echo, headers)).status

  const toolsAt = async (at: Replica, headers: Record<string, string>): Promise<number> => {
    const { text } = await send(at, { jsonrpc: '2.0', id: 2, method: 'tools/list' }, headers)
    return parseMessage(text)['result']?.tools?.length ?? 0
  }

  const listenAt = (at: Replica, headers: Record<string, string>): Promise<RawEvents> =>
    openEvents(`${at.url}/mcp`, { headers: { ...headers, accept: 'text/event-stream' } })

  async function mint(name: string, policies: string[]): Promise<string> {
    const { status, body } = await api('POST', '/tokens', { name, policies })
    expect(status).toBe(201)
    return String(body['secret'])
  }

  it('have one first admin, whose bearer and token open both', async () => {
    expect(() => passwordIn(b.program.stdout())).toThrow('no password')
    expect((await apiAt(b, { method: 'GET', path: '/whoami' })).body).toMatchObject({ name: 'admin' })
    expect(await statusAt(b, await openSession(b, token))).toBe(200)
  })

  it('count attempts to sign in together, and do once what is sent to both', async () => {
    const signInAt = async (at: Replica): Promise<number> => {
      const body = { user: 'admin', password: 'wrong' }
      return (await apiAt(at, { method: 'POST', path: '/sign-in', bearer: null, body })).status
    }
    // The one of the beginning was counted as well.
    for (let attempt = 0; attempt < 9; attempt++) expect(await signInAt(a)).toBe(401)
    expect(await signInAt(b)).toBe(429)
    const keyed = { method: 'POST', path: '/tokens', body: { name: 'once' }, headers: { 'idempotency-key': 'k1' } }
    const first = await apiAt(a, keyed)
    expect(first.status).toBe(201)
    expect((await apiAt(b, keyed)).body).toEqual(first.body)
  })

  it('serve each other’s sessions, and end them together', async () => {
    const session = await openSession(a, token)
    expect([await statusAt(b, session), await statusAt(a, session)]).toEqual([200, 200])
    expect((await exchange(`${b.url}/mcp`, { method: 'DELETE', headers: session })).status).toBe(204)
    await until('it is over on both', async () => (await statusAt(a, session)) === 404, soon)
    expect(await statusAt(b, session)).toBe(404)
  })

  it('lose no session with a process that is killed, or stopped', async () => {
    const session = await openSession(a, token)
    a.program.child.kill('SIGKILL')
    await a.program.exited
    expect(await statusAt(b, session)).toBe(200)
    const third = await start()
    expect(await statusAt(third, session)).toBe(200)
    b.program.child.kill('SIGTERM')
    expect(await b.program.exited).toEqual({ code: 0, signal: null })
    expect(await statusAt(third, session)).toBe(200)
  })

  it('know a new token, and refuse a revoked one, within a second; its streams end', async () => {
    const secret = await mint('ci', ['everything'])
    await until('it is known', async () => (await send(b, initialize(), headersOf(secret))).status === 200, soon)
    const session = await openSession(b, secret)
    const stream = await listenAt(b, session)
    expect((await api('POST', '/tokens/ci/revoke')).status).toBe(200)
    await until('it is refused', async () => (await statusAt(b, session)) === 401, soon)
    await stream.ended
  })

  it('decide by a changed policy within a second', async () => {
    const policy = { name: 'narrow', rules: [{ server: 'one', level: 'deny' }] }
    expect((await api('POST', '/policies', policy)).status).toBe(201)
    const secret = await mint('ci', ['narrow'])
    await until('it is known', async () => (await send(b, initialize(), headersOf(secret))).status === 200, soon)
    const session = await openSession(b, secret)
    expect(await toolsAt(b, session)).toBe(0)
    const stream = await listenAt(b, session)
    const wider = { ...policy, rules: [{ server: 'one', level: 'execute' }] }
    expect((await api('PUT', '/policies/narrow', wider)).status).toBe(200)
    await until('it holds', async () => (await toolsAt(b, session)) > 0, soon)
    await stream.message(({ method }) => method === 'notifications/tools/list_changed')
    stream.close()
  })

  it('take from a token what its owner loses within a second', async () => {
    expect((await api('POST', '/policies', { name: 'whole', default: 'execute' })).status).toBe(201)
    expect((await api('POST', '/users', { name: 'ann', policies: ['whole'] })).status).toBe(201)
    const owner = { kind: 'user', ref: 'ann' }
    const { body } = await api('POST', '/tokens', { name: 'anns', owner, policies: ['whole'] })
    const secret = String(body['secret'])
    await until('it is known', async () => (await send(b, initialize(), headersOf(secret))).status === 200, soon)
    const session = await openSession(b, secret)
    expect(await toolsAt(b, session)).toBeGreaterThan(0)
    expect((await api('PUT', '/users/ann', { name: 'ann' })).status).toBe(200)
    await until('it is lost', async () => (await toolsAt(b, session)) === 0, soon)
    const why = await api('GET', '/access/explain?token=anns&server=one&tool=echo')
    const held = { step: 'ceiling', about: 'what its owner may call', isPassed: false }
    expect(why.body).toMatchObject({ isCallable: false, steps: expect.arrayContaining([held]) })
  })

  it.each(['killed', 'stalled'])(
    'with Redis %s: serve on, refuse a revoked token as soon, and are one again afterwards',
    async (way) => {
      const secret = await mint('ci', ['everything'])
      await until('it is known', async () => (await send(b, initialize(), headersOf(secret))).status === 200, soon)
      const [mine, other] = [await openSession(b, token), await openSession(b, secret)]
      if (way === 'killed') await redis.kill()
      else redis.stall()
      for (const at of [a, b])
        await until('it is noticed', () => at.program.stderr().includes('Redis cannot be reached'), patience)
      expect(await statusAt(b, mine)).toBe(200)
      expect(await statusAt(a, mine)).toBe(503)
      expect((await api('POST', '/tokens/ci/revoke')).status).toBe(200)
      await until('it is refused', async () => (await statusAt(b, other)) === 401, soon)
      const late = await openSession(a, token)
      if (way === 'killed') {
        await redis.start()
        await redis.ask(`ACL SETUSER gateway on >${redisPassword} ~* &* +@all`)
      } else redis.resume()
      await until('it is served by both', async () => (await statusAt(b, late)) === 200, patience)
      await until('so is the other one', async () => (await statusAt(a, mine)) === 200, patience)
      for (const at of [a, b]) expect(at.program.stderr()).toContain('Redis is there again')
      const later = await mint('later', ['everything'])
      await until('it is known', async () => (await send(b, initialize(), headersOf(later))).status === 200, soon)
    },
  )
})
