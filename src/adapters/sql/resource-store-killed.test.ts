/** What is acknowledged is stored, however the process that wrote it, or the database itself, ended. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Resource } from '#core/resources/resource-store.ts'
import { type PostgresServer, startPostgresServer } from '#test/support/postgres/server.ts'
import { type Database, openDatabase } from './database.ts'
import { openPostgres } from './postgres.ts'
import { createSqlResourceStore } from './resource-store.ts'

const rounds = 20
/** Of the rounds in PostgreSQL, these kill the server and not the writer. */
const serverRounds = new Set([3, 8, 13, 18])
const roundsMsMax = 300_000

/** Writes without end, four at a time; says each name that was acknowledged, and ends where a write fails. */
const endlessWriter = `
  import { openDatabase } from '#adapters/sql/database.ts'
  import { openPostgres } from '#adapters/sql/postgres.ts'
  import { createSqlResourceStore } from '#adapters/sql/resource-store.ts'
  const [place, prefix] = process.argv.slice(1)
  const database = await (place.startsWith('postgres:') ? openPostgres({ url: place }) : openDatabase({ path: place }))
  const store = createSqlResourceStore({ database })
  const meta = { kind: 'team', labels: { a: 'b' }, version: 1, createdAt: 1, updatedAt: 1, createdBy: 'x', updatedBy: 'x' }
  let count = 0
  async function writeOn() {
    for (;;) {
      const name = prefix + count++
      const team = { ...meta, id: 'team_' + name, name, spec: { members: [], policies: [] } }
      await store.write([{ do: 'create', resource: team }])
      process.stdout.write(name + '\\n')
    }
  }
  await Promise.all([writeOn(), writeOn(), writeOn(), writeOn()]).catch(() => process.exit(75))
`

type Round = {
  place: string
  round: number
  /** After so many acknowledgements. */
  afterCount: number
  /** Instead of the writer. */
  killServer?: (() => void) | undefined
}

/** Gives the names that were acknowledged. */
async function killWhileWriting({ place, round, afterCount, killServer }: Round): Promise<string[]> {
  const writer = spawn(process.execPath, ['--input-type=module', '--eval', endlessWriter, place, `r${round}-`], {
    cwd: new URL('../../..', import.meta.url),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(writer, 'exit')
  const acknowledged: string[] = []
  for await (const line of createInterface({ input: writer.stdout })) {
    acknowledged.push(line)
    if (acknowledged.length !== afterCount) continue
    if (killServer) killServer()
    else writer.kill('SIGKILL')
  }
  const [code, signal] = (await exited) as [number | null, string | null]
  expect(signal ?? code).toBe(killServer ? 75 : 'SIGKILL')
  return acknowledged
}

/** The store is whole: what was acknowledged is there, and a reader of the changes learns of exactly what is there. */
async function expectAllThere(database: Database, acknowledged: readonly string[]): Promise<void> {
  const store = createSqlResourceStore({ database, historyMax: 1_000_000 })
  const { changed, upTo } = await store.load()
  const names = changed.map(({ name }: Resource) => name)
  expect(new Set(acknowledged).difference(new Set(names))).toEqual(new Set())
  // Each was one change; half of a write would leave a row without a number, or a number without a row.
  expect(names).toHaveLength(upTo)
  const since = await store.changesSince(0)
  expect(new Set(since.changed.map(({ name }) => name))).toEqual(new Set(names))
  const { rows } = await sql<{ count: number }>`select count(*) as count from resource_label`.execute(database.queries)
  expect(rows[0]?.count).toBe(upTo)
}

describe('resources whose writer is killed', { timeout: roundsMsMax }, () => {
  it(`are all there, ${rounds} times in SQLite`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'toolgate-killed-'))
    const place = join(folder, 'toolgate.db')
    const acknowledged: string[] = []
    try {
      for (let round = 0; round < rounds; round++) {
        acknowledged.push(...(await killWhileWriting({ place, round, afterCount: 1 + round * 7 })))
        const database = await openDatabase({ path: place })
        await expectAllThere(database, acknowledged)
        const check = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(database.queries)
        expect(check.rows).toEqual([{ integrity_check: 'ok' }])
        await database.close()
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  describe('in PostgreSQL', () => {
    let server: PostgresServer
    beforeAll(async () => {
      server = await startPostgresServer()
    }, roundsMsMax)
    afterAll(() => server.stop())

    it(`are all there, ${rounds - serverRounds.size} times, and ${serverRounds.size} times when the server is killed`, async () => {
      const place = await server.createDatabase()
      const acknowledged: string[] = []
      for (let round = 0; round < rounds; round++) {
        const isServers = serverRounds.has(round)
        const killServer = isServers ? () => server.kill() : undefined
        acknowledged.push(...(await killWhileWriting({ place, round, afterCount: 1 + round * 7, killServer })))
        if (isServers) await server.start()
        const database = await openPostgres({ url: place })
        await expectAllThere(database, acknowledged)
        await database.close()
      }
    })
  })
})
