/** Two replicas whose Redis goes away: what still works, what is refused, and that all is well when it is back. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { codeOf, openLegacy, openModern, type LegacyClient } from '../support/raw-client.ts'
import type { RawGateway } from '../support/raw-gateway.ts'
import { exchange, type Json, type RawAnswer } from '../support/raw-http.ts'
import { rawUpstream, toServer, type RawUpstream } from '../support/raw-upstream.ts'
import { describeWithRedis, type TestRedis } from '../support/redis.ts'
import { openLosablePair } from '../support/replica-pairs.ts'
import { until } from '../support/until.ts'

/** What is promised is a second; this machine may be busy with other things. */
const waitMsMax = 3_000
/** Longer than a sweep, in which is told what could not be told before. */
const patience = { timeoutMs: 15_000 }

const call = (name: string, id: string | number = 1): Json => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: {} },
})

describeWithRedis('replicas whose Redis is away', { timeout: 40_000 }, () => {
  let opened: AsyncDisposableStack
  let redis: TestRedis
  let upstream: RawUpstream
  let a: RawGateway
  let b: RawGateway

  beforeEach(async () => {
    opened = new AsyncDisposableStack()
    upstream = opened.use(await rawUpstream())
    ;({ redis, a, b } = await openLosablePair(opened, { servers: [toServer('one', upstream)] }))
  }, 20_000)

  afterEach(async () => {
    await opened.disposeAsync()
    assert.deepEqual([...a.defects, ...b.defects], [])
  }, 20_000)

  const leave = { killed: () => redis.kill(), stalled: async () => redis.stall() }
  const comeBack = { killed: () => redis.start(), stalled: async () => redis.resume() }
  const ways = ['killed', 'stalled'] as const

  const send = (to: RawGateway, client: LegacyClient, body: Json): Promise<RawAnswer> =>
    exchange(`${to.url}/mcp`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...client.headers },
      body: JSON.stringify(body),
    })

  const statusAt = async (to: RawGateway, client: LegacyClient): Promise<number> =>
    (await send(to, client, call('one__echo'))).status

  async function quick<Result>(task: () => Promise<Result>): Promise<Result> {
    const started = performance.now()
    const result = await task()
    expect(performance.now() - started).toBeLessThan(waitMsMax)
    return result
  }

  it.each(ways)('%s: who is served goes on, on the replica that serves it', async (way) => {
    const client = await openLegacy(a)
    await leave[way]()
    for (let round = 0; round < 3; round++) expect(await quick(() => statusAt(a, client))).toBe(200)
    expect(await quick(() => openModern(b).request('tools/call', { name: 'one__echo' }))).toHaveProperty('result')
  })

  it.each(ways)(
    '%s: a session that is unknown here is not said to be none, and is taken up afterwards',
    async (way) => {
      const client = await openLegacy(a)
      await statusAt(b, client)
      const other = await openLegacy(a)
      await leave[way]()
      const refused = await quick(() => send(b, other, call('one__echo')))
      expect([refused.status, codeOf(refused)]).toEqual([503, 'storage_unavailable'])
      expect(JSON.parse(refused.text)).toMatchObject({ error: { data: { retryable: true } } })
      expect(await quick(() => statusAt(b, client))).toBe(200)
      await comeBack[way]()
      // Killed, it has forgotten all: who has a session says so again.
      await until(
        'it is taken up',
        async () => {
          await statusAt(a, other)
          return (await statusAt(b, other)) === 200
        },
        patience,
      )
    },
  )

  it.each(ways)('%s: sessions are opened, and are everybody’s when it is back', async (way) => {
    await leave[way]()
    const client = await quick(() => openLegacy(a))
    expect(await statusAt(a, client)).toBe(200)
    await comeBack[way]()
    await until(
      'it is taken up',
      async () => {
        await statusAt(a, client)
        return (await statusAt(b, client)) === 200
      },
      patience,
    )
  })

  it.each(ways)('%s: a session that is ended then ends everywhere when it is back', async (way) => {
    const client = await openLegacy(a)
    expect(await statusAt(b, client)).toBe(200)
    await leave[way]()
    expect((await quick(() => exchange(`${a.url}/mcp`, { method: 'DELETE', headers: client.headers }))).status).toBe(
      204,
    )
    expect(await statusAt(b, client)).toBe(200)
    await comeBack[way]()
    await until('it is over', async () => (await statusAt(b, client)) === 404, patience)
    expect(await statusAt(a, client)).toBe(404)
  })
})
