/** Databases of a real PostgreSQL for the tests of one file. The first of a run starts the server, which takes a second or two. */
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { sql } from 'kysely'
import { afterAll, beforeAll, inject } from 'vitest'
import type { Database } from '#adapters/sql/database.ts'
import { openPostgres } from '#adapters/sql/postgres.ts'
import { lookAtRows } from '../planted/rows.ts'

/** How long a test may take that may be the first: for `describe` and hooks. */
export const postgresStartMsMax = 60_000

/** For the top of a `describe`: gives what makes addresses of empty databases. They are dropped at its end. */
export function postgresDatabases(): () => Promise<string> {
  const urls: string[] = []
  afterAll(async () => {
    for (const url of urls) {
      await lookAtRows(url)
      await ask(`drop ${url}`)
    }
  }, postgresStartMsMax)
  return async () => {
    const url = await ask('create')
    urls.push(url)
    return url
  }
}

/**
 * For the top of a `describe` with many tests, such as a contract suite: one open database, emptied for each who asks. That
 * takes a few milliseconds, and a database of its own a fifth of a second. Who asks again takes it from who asked before.
 */
export function emptiedPostgres(): () => Promise<Database> {
  const createDatabase = postgresDatabases()
  let database: Database
  beforeAll(async () => {
    database = await openPostgres({ url: await createDatabase() })
    return () => database.close()
  }, postgresStartMsMax)
  return async () => {
    await empty(database)
    return database
  }
}

/** Counters have a row from the start; and what events name a process writes once in a while only. */
const isKept = /_counter$|^audit_wh/

async function empty({ queries }: Database): Promise<void> {
  const tables = (await queries.introspection.getTables()).filter(({ isView }) => !isView).map(({ name }) => name)
  const filled = tables.filter((name) => !isKept.test(name)).map((name) => sql.table(name))
  await sql`truncate ${sql.join(filled)} restart identity cascade`.execute(queries)
  await queries.updateTable('resource_counter').set({ last: 0, forgotten: 0 }).execute()
  await queries.updateTable('session_counter').set({ last: 0 }).execute()
}

async function ask(request: string): Promise<string> {
  const socket = connect(inject('postgresDesk'))
  socket.write(request)
  const answer = await text(socket)
  if (answer.startsWith('failed')) throw new Error(answer)
  return answer
}
