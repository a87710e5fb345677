/** What an owner gives or takes back at one of two gateways holds at the other, within a second. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { tokenIn as adminTokenIn } from '#test/support/cli/run-program.ts'
import { callApi, passwordIn, signIn } from '#test/support/management.ts'
import { plant } from '#test/support/planted.ts'
import { postgresDatabases } from '#test/support/postgres/databases.ts'
import { askModern, type Received } from '#test/support/raw/client.ts'
import { rawUpstream, type RawUpstream } from '#test/support/raw-upstream.ts'
import { describeWithRedis } from '#test/support/redis.ts'
import { openReplicas, type Replica } from '#test/support/replica-processes.ts'
import { tokenIn } from '#test/support/token-door.ts'
import { until } from '#test/support/until.ts'

const startMsMax = 90_000
/** A second, and what a busy machine needs to notice. */
const soon = { timeoutMs: 5_000 }

describeWithRedis('a key of one’s own, at two replicas', { timeout: startMsMax }, () => {
  const createDatabase = postgresDatabases()
  const opened = new AsyncDisposableStack()
  const keys = [plant('first-key'), plant('second-key')] as const
  let upstream: RawUpstream
  let a: Replica
  let b: Replica
  let token: string
  let bearer: string

  beforeAll(async () => {
    upstream = opened.use(await rawUpstream({ era: 'modern' }))
    const more = { credential: { kind: 'bearer', owner: 'user' } }
    const { start } = await openReplicas(opened, { postgres: await createDatabase(), server: upstream.url, more })
    a = await start()
    const banner = a.program.stdout()
    token = adminTokenIn(banner)
    bearer = await signIn(a.url, 'admin', passwordIn(banner))
    b = await start()
  }, startMsMax)
  afterAll(() => opened.disposeAsync(), startMsMax)

  const call = ({ url }: Replica): Promise<Received> =>
    askModern({ url: `${url}/mcp/one`, token }, { method: 'tools/call', params: { name: 'echo', arguments: {} } })
  const isRefused = ({ result }: Received): boolean => result?.['isError'] === true
  const give = (key: string) =>
    callApi(a.url, { method: 'PUT', path: '/connections/one/key', bearer, body: { token: key } })
  /** The key that a call at this replica goes out with now. */
  const sentBy = async (replica: Replica): Promise<string> => {
    await call(replica)
    return tokenIn(upstream.calls('echo').at(-1)?.headers ?? {})
  }

  it('is there for calls at the other one, and so is the next one', async () => {
    expect([isRefused(await call(a)), isRefused(await call(b))]).toEqual([true, true])
    expect(upstream.seen).toEqual([])
    await give(keys[0])
    expect(await sentBy(a)).toBe(keys[0])
    await until('the other one knows it', async () => (await sentBy(b)) === keys[0], soon)
    await give(keys[1])
    expect(await sentBy(a)).toBe(keys[1])
    await until('the other one knows the next one', async () => (await sentBy(b)) === keys[1], soon)
  })

  it('is refused at both when it was taken back', async () => {
    await callApi(a.url, { method: 'DELETE', path: '/connections/one', bearer })
    expect(isRefused(await call(a))).toBe(true)
    await until('the other one has heard of it', async () => isRefused(await call(b)), soon)
    const sent = upstream.seen.length
    expect([isRefused(await call(a)), isRefused(await call(b))]).toEqual([true, true])
    expect(upstream.seen).toHaveLength(sent)
    expect(upstream.seen.map(({ headers }) => tokenIn(headers))).not.toContain('')
  })
})
