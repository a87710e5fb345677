/** PostgreSQL goes away while it is used, in every way that it can, and comes back. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import type { ResourceStore } from '#core/resources/resource-store.ts'
import { auditEvent } from '#test/contracts/audit-log.ts'
import { failureOf } from '#test/support/failure.ts'
import { postgresDatabases, postgresStartMsMax } from '#test/support/postgres/databases.ts'
import { type PostgresServer, startPostgresServer, withClient } from '#test/support/postgres/server.ts'
import { startSilentProxy } from '#test/support/postgres/silent-proxy.ts'
import { create } from '#test/support/resource-writes.ts'
import { resource } from '#test/support/resources.ts'
import { until } from '#test/support/until.ts'
import { createSqlAuditLog } from './audit-log.ts'
import type { Database } from './database.ts'
import { openPostgres } from './postgres.ts'
import { lockCounter } from './resource-counter.ts'
import { createSqlResourceStore } from './resource-store.ts'

const untilBack = (store: ResourceStore) =>
  until('the store is back', async () => (await store.lastChange().catch(() => -1)) >= 0, { timeoutMs: 30_000 })

function endOf(outcome: PromiseSettledResult<unknown> | undefined): string {
  if (outcome?.status === 'fulfilled') return 'stored'
  return outcome?.reason instanceof GatewayError ? outcome.reason.code : String(outcome?.reason)
}

describe('a PostgreSQL that is killed', { timeout: postgresStartMsMax }, () => {
  let server: PostgresServer
  let database: Database
  beforeAll(async () => {
    server = await startPostgresServer()
    database = await openPostgres({ url: await server.createDatabase(), times: { connectMs: 2_000 } })
  }, postgresStartMsMax)
  afterAll(async () => {
    await database.close()
    await server.stop()
  })

  it('is unavailable to everybody who asks, and available again by itself', async () => {
    const store = createSqlResourceStore({ database })
    await store.write([create(resource('team', 'before'))])
    // Connections that wait in the pool, one that waits in the middle of a transaction, and writes under way.
    const during = Array.from({ length: 30 }, (_, index) => `during${index}`)
    const writing = Promise.allSettled(during.map((name) => store.write([create(resource('team', name))])))
    const held = database.queries.transaction().execute(async (transaction) => {
      await transaction.selectFrom('resource').select('id').execute()
      server.kill()
      await until('the store is away', async () => (await store.lastChange().catch(() => -1)) < 0)
      return transaction.selectFrom('resource').select('id').execute()
    })
    expect(await failureOf(held)).toMatchObject({ code: 'storage_unavailable' })
    const outcomes = await writing
    for (const outcome of outcomes) expect(['stored', 'storage_unavailable']).toContain(endOf(outcome))
    const startedAt = performance.now()
    expect(await failureOf(store.load())).toMatchObject({ code: 'storage_unavailable' })
    expect(await failureOf(store.write([create(resource('team', 'away'))]))).toMatchObject({
      code: 'storage_unavailable',
    })
    expect(await failureOf(store.changesSince(0))).toMatchObject({ code: 'storage_unavailable' })
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    await server.start()
    await untilBack(store)
    await store.write([create(resource('team', 'after'))])
    const names = new Set((await store.list('team', { limit: 100 })).map(({ name }) => name))
    expect([names.has('before'), names.has('away'), names.has('after')]).toEqual([true, false, true])
    // Of those that were told of a failure some may be there: the answer to their commit was lost.
    expect([...names]).toEqual(expect.arrayContaining(during.filter((_, index) => endOf(outcomes[index]) === 'stored')))
  })
})

describe('audit events while PostgreSQL is killed', { timeout: postgresStartMsMax }, () => {
  it('wait, and are stored in their order when it is back', async () => {
    await using open = new AsyncDisposableStack()
    const server = await startPostgresServer()
    open.defer(() => server.stop())
    const database = await openPostgres({ url: await server.createDatabase(), times: { connectMs: 2_000 } })
    open.defer(() => database.close())
    const told: boolean[] = []
    const log = createSqlAuditLog({ database, onReach: (cause) => void told.push(cause === null) })
    const append = (from: number, count: number): void => {
      for (let index = from; index < from + count; index++) log.append(auditEvent(index))
    }
    append(0, 100)
    await log.flush()
    server.kill()
    append(100, 2_500)
    expect(await failureOf(log.flush())).toMatchObject({ code: 'storage_unavailable' })
    await server.start()
    append(2_600, 10)
    await until('all is stored', async () => (await log.flush().catch(() => null)) === undefined, { timeoutMs: 30_000 })
    const ids = (await log.list({ limit: 10_000 })).map(({ requestId }) => requestId)
    expect(ids).toEqual(Array.from({ length: 2_610 }, (_, index) => `req_${2_609 - index}`))
    expect(told).toEqual([false, true])
    expect(log.dropped()).toBe(0)
    await log.close()
  })
})

describe('a PostgreSQL that', { timeout: postgresStartMsMax }, () => {
  const createDatabase = postgresDatabases()
  const times = { connectMs: 300, answerMs: 600 }

  it('falls silent is given up in time, with the connection, and used again when it answers', async () => {
    const proxy = await startSilentProxy(await createDatabase())
    const database = await openPostgres({ url: proxy.url, times: { ...times, connectMs: 5_000 } })
    const store = createSqlResourceStore({ database })
    await store.write([create(resource('team', 'before'))])
    proxy.fallSilent()
    const startedAt = performance.now()
    expect(await failureOf(store.write([create(resource('team', 'away'))]))).toMatchObject({
      code: 'storage_unavailable',
    })
    expect(performance.now() - startedAt).toBeLessThan(4_000)
    proxy.answerAgain()
    await store.write([create(resource('team', 'after'))])
    expect((await store.list('team', { limit: 9 })).map(({ name }) => name)).toEqual(['after', 'before'])
    await database.close()
    proxy.close()
  })

  it('ends its connections loses nobody but those who use one', async () => {
    const url = await createDatabase()
    const database = await openPostgres({ url })
    const store = createSqlResourceStore({ database })
    await Promise.all(Array.from({ length: 5 }, () => store.lastChange()))
    await withClient(url, (client) =>
      client.query(`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`),
    )
    await untilBack(store)
    await store.write([create(resource('team', 'after'))])
    expect(await store.lastChange()).toBe(1)
    await database.close()
  })

  it('holds a lock for too long is unavailable for writing, and for nothing else', async () => {
    const url = await createDatabase()
    const database = await openPostgres({ url, times })
    const store = createSqlResourceStore({ database })
    await withClient(url, async (client) => {
      await client.query('begin; update resource_counter set last = last')
      expect(await failureOf(store.write([create(resource('team', 'a'))]))).toMatchObject({
        code: 'storage_unavailable',
      })
      expect(await store.lastChange()).toBe(0)
      await client.query('rollback')
    })
    expect(await store.write([create(resource('team', 'a'))])).toBe(1)
    await database.close()
  })

  it('has a replica that stands still in the middle of a write ends that write, for the sake of the others', async () => {
    const url = await createDatabase()
    const [still, other] = [await openPostgres({ url, times }), await openPostgres({ url })]
    const locked = Promise.withResolvers<void>()
    const written = Promise.withResolvers<void>()
    const standing = failureOf(
      still.queries.transaction().execute(async (transaction) => {
        await lockCounter(transaction)
        locked.resolve()
        await written.promise
        await transaction.selectFrom('resource').select('id').execute()
      }),
    )
    await locked.promise
    expect(await createSqlResourceStore({ database: other }).write([create(resource('team', 'a'))])).toBe(1)
    written.resolve()
    expect(await standing).toMatchObject({ code: 'storage_unavailable' })
    expect(await createSqlResourceStore({ database: still }).lastChange()).toBe(1)
    await still.close()
    await other.close()
  })

  it('has no connection to spare is unavailable, not waited for without end', async () => {
    const database = await openPostgres({ url: await createDatabase(), times: { connectMs: 300 } })
    const release = Promise.withResolvers<void>()
    const holding = Array.from({ length: 10 }, () => database.queries.connection().execute(() => release.promise))
    expect(await failureOf(createSqlResourceStore({ database }).lastChange())).toMatchObject({
      code: 'storage_unavailable',
    })
    release.resolve()
    await Promise.all(holding)
    expect(await createSqlResourceStore({ database }).lastChange()).toBe(0)
    await database.close()
  })
})
