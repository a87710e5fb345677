import { createServer } from 'node:net'
import { sql } from 'kysely'
import { afterEach, describe, expect, it } from 'vitest'
import { auditRecord } from '#test/contracts/audit-log.ts'
import { failureOf } from '#test/support/failure.ts'
import { findFreePort } from '#test/support/free-port.ts'
import { postgresDatabases, postgresStartMsMax } from '#test/support/postgres/databases.ts'
import { withClient } from '#test/support/postgres/server.ts'
import { create } from '#test/support/resource-writes.ts'
import { resource } from '#test/support/resources.ts'
import type { Database } from './database.ts'
import { openPostgres, type PostgresOptions } from './postgres.ts'
import { createSqlResourceStore } from './resource-store.ts'

const createDatabase = postgresDatabases()
const opened: Database[] = []

async function open(options: PostgresOptions): Promise<Database> {
  const database = await openPostgres(options)
  opened.push(database)
  return database
}

afterEach(async () => {
  for (const database of opened.splice(0)) await database.close()
})

const countEvents = async ({ queries }: Database) =>
  (await queries.selectFrom('audit_event').select('id').execute()).length

describe('openPostgres', { timeout: postgresStartMsMax }, () => {
  it('makes the tables once, also where replicas start together', async () => {
    const url = await createDatabase()
    const databases = await Promise.all([1, 2, 3, 4, 5].map(() => open({ url })))
    const rows = await withClient(url, (client) => client.query('select name from kysely_migration'))
    expect(rows.rows).toContainEqual({ name: '0001_tokens_and_audit' })
    await Promise.all(databases.map((database, index) => database.insertAuditEvents([auditRecord(index)])))
    for (const database of databases) expect(await countEvents(database)).toBe(5)
  })

  it('finds what was stored before', async () => {
    const url = await createDatabase()
    await createSqlResourceStore({ database: await open({ url }) }).write([create(resource('team', 'blue'))])
    const again = createSqlResourceStore({ database: await open({ url }) })
    expect(await again.find('team', 'blue')).toEqual(resource('team', 'blue'))
  })

  it('refuses a database of a newer version', async () => {
    const url = await createDatabase()
    const { queries } = await open({ url })
    await sql`insert into kysely_migration (name, timestamp) values ('9999_later', '2030-01-01')`.execute(queries)
    await expect(openPostgres({ url })).rejects.toMatchObject({
      code: 'config_invalid',
      details: { migration: '9999_later', reason: expect.stringContaining('newer version') },
    })
  })

  it('refuses a database whose encoding does not hold every text', async () => {
    const url = await createDatabase()
    const ascii = url.replace(/test_\w+/, (name) => `${name}_ascii`)
    const name = new URL(ascii).pathname.slice(1)
    await withClient(url, (client) =>
      client.query(`create database ${name} encoding 'SQL_ASCII' locale_provider libc locale 'C' template template0`),
    )
    const failure = await failureOf(openPostgres({ url: ascii }))
    await withClient(url, (client) => client.query(`drop database ${name}`))
    expect(failure).toMatchObject({ code: 'config_invalid', details: { reason: expect.stringContaining('SQL_ASCII') } })
  })

  it.each([
    ['a database that is not there', 'no database of this name', (url: URL) => (url.pathname = '/nowhere')],
    ['a user that is not there', 'refuses this login', (url: URL) => (url.username = 'nobody')],
  ])('says at once that there is %s, and not the password', async (_what, reason, change) => {
    const url = new URL(await createDatabase())
    url.password = 'hunter2'
    change(url)
    const startedAt = performance.now()
    const failure = await failureOf(openPostgres({ url: url.href, startWaitMs: 30_000 }))
    expect(performance.now() - startedAt).toBeLessThan(15_000)
    expect(failure).toMatchObject({ code: 'config_invalid', details: { reason: expect.stringContaining(reason) } })
    expect(JSON.stringify(failure.details)).not.toContain('hunter2')
  })

  it('says that a user may not create tables', async () => {
    const url = await createDatabase()
    const name = new URL(url).pathname.slice(1)
    await withClient(url, (client) => client.query(`create role reader_${name} login`))
    const asReader = new URL(url)
    asReader.username = `reader_${name}`
    const failure = await failureOf(openPostgres({ url: asReader.href }))
    await withClient(url, (client) => client.query(`drop role reader_${name}`))
    expect(failure).toMatchObject({
      code: 'config_invalid',
      details: { reason: expect.stringContaining('does not let this user create tables') },
    })
  })

  it.each([
    ['refuses connections', async () => ({ port: await findFreePort(), close: () => undefined })],
    ['never answers', listenSilently],
  ])('waits for a server that %s, and not for ever', async (_what, listen) => {
    const { port, close } = await listen()
    const url = `postgres://toolgate:hunter2@127.0.0.1:${port}/toolgate`
    const failure = await failureOf(openPostgres({ url, startWaitMs: 300, times: { connectMs: 200 } }))
    close()
    expect(failure).toMatchObject({
      code: 'storage_unavailable',
      details: { reason: `PostgreSQL (127.0.0.1:${port}/toolgate) cannot be reached.` },
    })
    expect(JSON.stringify(failure.details)).not.toContain('hunter2')
  })

  it.each([
    'not an address',
    'postgres://[hunter2',
    '',
    'postgres://toolgate:hunter2%E0%A4@127.0.0.1/toolgate',
    'postgres://127.0.0.1/toolgate?sslrootcert=/nowhere/hunter2.pem',
  ])('refuses the address %j', async (url) => {
    const failure = await failureOf(openPostgres({ url }))
    expect(failure.code).toBe('config_invalid')
    expect(JSON.stringify(failure.details)).not.toContain('hunter2')
  })
})

describe('insertAuditEvents in PostgreSQL', { timeout: postgresStartMsMax }, () => {
  it('stores all events of a call or none', async () => {
    const database = await open({ url: await createDatabase() })
    await sql`alter table audit_event add constraint refuse check (target <> 'odd')`.execute(database.queries)
    const events = [auditRecord(1), auditRecord(2, { target: 'odd' })]
    await expect(database.insertAuditEvents(events)).rejects.toThrow('refuse')
    expect(await countEvents(database)).toBe(0)
    await database.insertAuditEvents(Array.from({ length: 1_000 }, (_, index) => auditRecord(index)))
    await database.insertAuditEvents([])
    expect(await countEvents(database)).toBe(1_000)
  })
})

async function listenSilently(): Promise<{ port: number; close: () => void }> {
  const port = await findFreePort()
  const server = createServer((socket) => socket.on('error', () => undefined))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return { port, close: () => server.close() }
}
