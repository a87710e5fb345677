import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterEach, describe, expect, it } from 'vitest'
import { expectFollowerSeesAll } from '#test/contracts/resource-changes.ts'
import { resourceStoreContract } from '#test/contracts/resource-store.ts'
import { emptiedPostgres, postgresDatabases, postgresStartMsMax } from '#test/support/postgres/databases.ts'
import { failureOf } from '#test/support/failure.ts'
import { create } from '#test/support/resource-writes.ts'
import { resource } from '#test/support/resources.ts'
import { type Database, openDatabase } from './database.ts'
import { openPostgres } from './postgres.ts'
import { readCounter } from './resource-counter.ts'
import { createSqlResourceStore } from './resource-store.ts'

const opened: { close(): Promise<void> }[] = []

async function keep(opening: Promise<Database>): Promise<Database> {
  const database = await opening
  opened.push(database)
  return database
}

afterEach(async () => {
  for (const database of opened.splice(0)) await database.close()
})

describe('in SQLite', () => {
  resourceStoreContract(async (options) =>
    createSqlResourceStore({ database: await keep(openDatabase({ path: ':memory:' })), ...options }),
  )

  it('tells a process every change of other processes', { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'toolgate-resources-'))
    try {
      const stores = await openThree(() => openDatabase({ path: join(folder, 'toolgate.db') }))
      await expectFollowerSeesAll(stores)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('reads one state in one snapshot', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'toolgate-resources-'))
    try {
      await expectOneState(() => openDatabase({ path: join(folder, 'toolgate.db') }))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('is unavailable for writing while the disk is full, and reads on', async () => {
    const database = await keep(openDatabase({ path: ':memory:' }))
    const store = createSqlResourceStore({ database })
    await store.write([create(resource('team', 'before'))])
    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(database.queries)
    await sql`pragma max_page_count = ${sql.lit(rows[0]?.page_count)}`.execute(database.queries)
    const large = resource('team', 'large', { description: 'x'.repeat(2_000) })
    const many = Array.from({ length: 200 }, (_, index) => ({ ...large, id: `team_${index}`, name: `large${index}` }))
    expect(await failureOf(store.write(many.map(create)))).toMatchObject({ code: 'storage_unavailable' })
    expect((await store.load()).changed.map(({ name }) => name)).toEqual(['before'])
    await sql`pragma max_page_count = 10000`.execute(database.queries)
    expect(await store.write(many.map(create))).toBe(201)
  })
})

describe('in PostgreSQL', { timeout: postgresStartMsMax }, () => {
  const createDatabase = postgresDatabases()
  const emptied = emptiedPostgres()
  resourceStoreContract(async (options) => createSqlResourceStore({ database: await emptied(), ...options }))

  it('reads one state in one snapshot', async () => {
    const url = await createDatabase()
    await expectOneState(() => openPostgres({ url }))
  })

  it('tells a replica every change of other replicas, in whatever order they are committed', async () => {
    const url = await createDatabase()
    const stores = await openThree(() => openPostgres({ url }))
    await expectFollowerSeesAll({ ...stores, writesOfEach: 100 })
  })
})

/** Reads, lets another one write, and reads again. */
async function expectOneState(open: () => Promise<Database>): Promise<void> {
  const [reader, writer] = [await keep(open()), await keep(open())]
  const store = createSqlResourceStore({ database: writer })
  await store.write([create(resource('team', 'before'))])
  const seen = await reader.readSnapshot(async (snapshot) => {
    const first = await readCounter(snapshot)
    await store.write([create(resource('team', 'meanwhile'))])
    return [first, await readCounter(snapshot), await snapshot.selectFrom('resource').select('name').execute()]
  })
  const counter = { last: 1, forgotten: 0 }
  expect(seen).toEqual([counter, counter, [{ name: 'before' }]])
  expect((await createSqlResourceStore({ database: reader }).load()).upTo).toBe(2)
}

async function openThree(open: () => Promise<Database>) {
  const databases = [await keep(open()), await keep(open()), await keep(open())]
  const [reader, ...writers] = databases.map((database) => createSqlResourceStore({ database }))
  if (!reader) throw new Error('no store')
  return { reader, writers }
}
