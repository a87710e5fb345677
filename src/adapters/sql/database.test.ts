import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditRecord } from '#test/contracts/audit-log.ts'
import { resource } from '#test/support/resources.ts'
import { type Database, openDatabase } from './database.ts'
import { createSqlResourceStore } from './resource-store.ts'

const putTeam = (database: Database, name = 'blue') =>
  createSqlResourceStore({ database }).write([{ do: 'create', resource: resource('team', name) }])
const teamsIn = async (database: Database): Promise<string[]> =>
  (await createSqlResourceStore({ database }).list('team', { limit: 100 })).map(({ name }) => name)

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'toolgate-database-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

async function pragma(database: Database, name: string): Promise<unknown> {
  const { rows } = await sql<Record<string, unknown>>`pragma ${sql.raw(name)}`.execute(database.queries)
  return Object.values(rows[0] ?? {})[0]
}

async function countEvents(database: Database): Promise<number> {
  return (await database.queries.selectFrom('audit_event').select('id').execute()).length
}

describe('openDatabase', () => {
  it('creates folders and files that nobody else may read', async () => {
    const path = join(folder, 'new', 'deeper', 'toolgate.db')
    const database = await openDatabase({ path })
    await database.insertAuditEvents([auditRecord(1)])
    expect(modeOf(join(folder, 'new'))).toBe('700')
    expect(modeOf(join(folder, 'new', 'deeper'))).toBe('700')
    const files = readdirSync(join(folder, 'new', 'deeper'))
    expect(files.toSorted()).toEqual(['toolgate.db', 'toolgate.db-shm', 'toolgate.db-wal'])
    for (const file of files) expect(modeOf(join(folder, 'new', 'deeper', file))).toBe('600')
    await database.close()
    expect(readdirSync(join(folder, 'new', 'deeper'))).toEqual(['toolgate.db'])
  })

  it('closes a file that others could read, and leaves a folder that was there as it is', async () => {
    const shared = join(folder, 'shared')
    mkdirSync(shared)
    chmodSync(shared, 0o755)
    const path = join(shared, 'toolgate.db')
    writeFileSync(path, '')
    chmodSync(path, 0o644)
    const database = await openDatabase({ path })
    await database.close()
    expect(modeOf(path)).toBe('600')
    expect(modeOf(shared)).toBe('755')
  })

  it('opens in WAL with normal syncing, foreign keys, and a short blocking wait', async () => {
    const database = await openDatabase({ path: join(folder, 'pragmas.db') })
    expect(await pragma(database, 'journal_mode')).toBe('wal')
    expect(await pragma(database, 'synchronous')).toBe(1)
    expect(await pragma(database, 'foreign_keys')).toBe(1)
    expect(await pragma(database, 'busy_timeout')).toBe(15)
    await database.close()
  })

  it('finds what was stored before', async () => {
    const path = join(folder, 'again.db')
    const first = await openDatabase({ path })
    await putTeam(first)
    await first.close()
    const second = await openDatabase({ path })
    expect(await teamsIn(second)).toEqual(['blue'])
    await second.close()
  })

  it('may be opened by several at once, from the first moment', async () => {
    const path = join(folder, 'several.db')
    const databases = await Promise.all([1, 2, 3, 4].map(() => openDatabase({ path })))
    await Promise.all(databases.map((database, index) => database.insertAuditEvents([auditRecord(index)])))
    for (const database of databases) expect(await countEvents(database)).toBe(4)
    for (const database of databases) await database.close()
  })

  it('waits for the write of another process while timers go on', async () => {
    const path = join(folder, 'busy.db')
    const database = await openDatabase({ path })
    const other = new DatabaseSync(path)
    other.exec('begin immediate')
    let ticks = 0
    const ticking = setInterval(() => {
      ticks++
      if (ticks === 5) other.exec('commit')
    }, 5)
    await putTeam(database)
    clearInterval(ticking)
    expect(ticks).toBeGreaterThanOrEqual(5)
    expect(await teamsIn(database)).toEqual(['blue'])
    other.close()
    await database.close()
  })

  it('keeps two databases in memory apart', async () => {
    const [one, other] = [await openDatabase({ path: ':memory:' }), await openDatabase({ path: ':memory:' })]
    await putTeam(one)
    expect(await teamsIn(other)).toEqual([])
    await one.close()
    await other.close()
  })

  it.each([
    ['a folder', (path: string) => mkdirSync(path)],
    [
      'a file that is no database',
      (path: string) => writeFileSync(path, 'not a database, but long enough. '.repeat(99)),
    ],
  ])('refuses %s with the path in the reason', async (what, make) => {
    const path = join(folder, what)
    make(path)
    await expect(openDatabase({ path })).rejects.toMatchObject({
      code: 'config_invalid',
      details: { path, reason: expect.stringContaining(path) },
    })
  })

  it('refuses a database of a newer version and leaves it unchanged', async () => {
    const path = join(folder, 'newer.db')
    const database = await openDatabase({ path })
    await sql`insert into kysely_migration (name, timestamp) values ('9999_later', '2030-01-01T00:00:00.000Z')`.execute(
      database.queries,
    )
    await database.close()
    await expect(openDatabase({ path })).rejects.toMatchObject({
      code: 'config_invalid',
      details: { migration: '9999_later' },
    })
  })
})

describe('insertAuditEvents', () => {
  it('stores all events of a call or none', async () => {
    const database = await openDatabase({ path: ':memory:' })
    await sql`create trigger refuse before insert on audit_event when new.target = 'odd'
      begin select raise(abort, 'refused'); end`.execute(database.queries)
    await expect(database.insertAuditEvents([auditRecord(1), auditRecord(2, { target: 'odd' })])).rejects.toThrow(
      'refused',
    )
    expect(await countEvents(database)).toBe(0)
    await database.insertAuditEvents([auditRecord(1)])
    expect(await countEvents(database)).toBe(1)
    await database.close()
  })

  it('stores nothing of a call for which there is no room, and goes on when there is room again', async () => {
    const database = await openDatabase({ path: join(folder, 'full.db') })
    await sql`pragma max_page_count = 20`.execute(database.queries)
    const events = Array.from({ length: 1_000 }, (_, index) => auditRecord(index))
    await expect(database.insertAuditEvents(events)).rejects.toMatchObject({
      code: 'storage_unavailable',
      cause: expect.objectContaining({ message: expect.stringContaining('full') }),
    })
    expect(await countEvents(database)).toBe(0)
    await sql`pragma max_page_count = 2000`.execute(database.queries)
    await database.insertAuditEvents(events)
    expect(await countEvents(database)).toBe(1_000)
    await database.close()
  })

  it('takes its turn among other transactions of the same process', async () => {
    const database = await openDatabase({ path: ':memory:' })
    const work = Array.from({ length: 20 }, (_, index) => [
      putTeam(database, `team-${index}`),
      database.insertAuditEvents([auditRecord(index)]),
    ])
    await Promise.all(work.flat())
    expect(await countEvents(database)).toBe(20)
    expect(await teamsIn(database)).toHaveLength(20)
    await database.close()
  })
})
