/** Two processes on one PostgreSQL and one Redis: what happens at one holds at the other. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { startProgram, tokenIn, type Program } from '../support/cli/run-program.ts'
import { callApi, passwordIn, signIn } from '../support/management.ts'
import { postgresDatabases, postgresStartMsMax } from '../support/postgres/databases.ts'
import { rawUpstream, type RawUpstream } from '../support/raw-upstream.ts'
import { describeWithRedis, startRedis, type TestRedis } from '../support/redis.ts'

type Gateway = { program: Program; url: string }

describeWithRedis('two gateways', { timeout: postgresStartMsMax }, () => {
  const createDatabase = postgresDatabases()
  const secretKey = randomBytes(32).toString('base64')
  let redis: TestRedis
  let upstream: RawUpstream
  let folder: string
  let a: Gateway
  let b: Gateway
  let token: string
  let bearer: string

  async function start(name: string, storage: object): Promise<Gateway> {
    const config = {
      listen: { port: 0 },
      storage: { ...storage, path: join(folder, name) },
      servers: { one: { url: upstream.url }, two: { url: upstream.url } },
      policies: { 'all-of-it': { default: 'execute' } },
    }
    await writeFile(join(folder, `${name}.yaml`), stringify(config))
    const program = startProgram(['serve', '--config', join(folder, `${name}.yaml`)], {
      cwd: folder,
      env: { TOOLGATE_SECRET_KEY: secretKey },
    })
    return { program, url: await program.untilUp() }
  }

  beforeAll(async () => {
    redis = await startRedis()
    upstream = await rawUpstream()
    folder = await mkdtemp(join(tmpdir(), 'toolgate-two-'))
    const storage = { postgres: await createDatabase(), redis: redis.url }
    a = await start('a', storage)
    b = await start('b', storage)
    token = tokenIn(a.program.stdout())
    bearer = await signIn(a.url, 'admin', passwordIn(a.program.stdout()))
  }, postgresStartMsMax)
  afterAll(async () => {
    for (const gateway of [a, b]) await gateway?.program[Symbol.asyncDispose]()
    await upstream?.[Symbol.asyncDispose]()
    await redis?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  const api = ({ url }: Gateway, asked: { method: string; path: string; body?: unknown }) =>
    callApi(url, { bearer, ...asked })
  const both = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  const post = ({ url }: Gateway, message: object, headers: Record<string, string>): Promise<Response> =>
    fetch(`${url}/mcp`, { method: 'POST', headers: { ...both, ...headers }, body: JSON.stringify(message) })
  const list = (gateway: Gateway, holder: string): Promise<Response> =>
    post(
      gateway,
      {
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/list',
        params: {
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        },
      },
      { authorization: `Bearer ${holder}`, 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' },
    )

  /** @returns after how many milliseconds it held */
  async function untilHolds(isSo: () => Promise<boolean>): Promise<number> {
    const from = performance.now()
    while (!(await isSo())) {
      if (performance.now() - from > 10_000) throw new Error('it does not hold after ten seconds')
      await delay(10)
    }
    return performance.now() - from
  }

  async function mint(name: string): Promise<string> {
    const { status, body } = await api(a, { method: 'POST', path: '/tokens', body: { name, policies: ['all-of-it'] } })
    expect(status).toBe(201)
    return String(body['secret'])
  }

  it('have one first admin, whose bearer and token open both', async () => {
    expect(b.program.stdout()).not.toContain('password')
    expect((await api(b, { method: 'GET', path: '/whoami' })).body).toMatchObject({ name: 'admin' })
    expect((await list(b, token)).status).toBe(200)
  })

  it('hold a revocation within a second even while Redis is away, and recover by themselves', async () => {
    const secret = await mint('without-redis')
    await untilHolds(async () => (await list(b, secret)).status === 200)
    await redis.kill()
    expect((await list(b, secret)).status).toBe(200)
    expect((await api(a, { method: 'POST', path: '/tokens/without-redis/revoke' })).status).toBe(200)
    expect(await untilHolds(async () => (await list(b, secret)).status === 401)).toBeLessThan(1_500)
    await redis.start()
    const later = await mint('after-redis')
    expect(await untilHolds(async () => (await list(b, later)).status === 200)).toBeLessThan(1_500)
  })
})
