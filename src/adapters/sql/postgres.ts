import { setTimeout as delay } from 'node:timers/promises'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { Client, DatabaseError } from 'pg'
import { GatewayError } from '#contract/errors.ts'
import { type AuditRecord, toStorableRecord } from '#core/audit/audit-record.ts'
import { createWhatParts, createWhoParts, type PartTable, SeenParts, toPartValues } from './audit-parts.ts'
import { auditColumns, toAuditValues } from './audit-row.ts'
import type { Database } from './database.ts'
import { postgresFlavour } from './flavour.ts'
import { migrateToLatest, migrationsFor } from './migrations.ts'
import { createPostgresPool, postgresTimes, type PostgresTimes } from './postgres-pool.ts'
import type { Tables } from './tables.ts'

export type PostgresOptions = {
  /** `postgres://user:password@host:port/database`, with the parameters that libpq knows, such as `sslmode`. */
  url: string
  times?: Partial<PostgresTimes>
  /** How long a start waits for a PostgreSQL that cannot be reached yet, because it starts at the same time. 15 s where it is not given. */
  startWaitMs?: number
}

/**
 * Connects, and runs the migrations; replicas that start together wait for each other. Afterwards every loss of the
 * connection is `storage_unavailable`, told within the times, and over as soon as PostgreSQL is back.
 * @throws GatewayError `config_invalid` where PostgreSQL refuses what it is asked for, or belongs to a newer version,
 *   `storage_unavailable` where it cannot be reached; `details.reason` says which, without the password
 */
export async function openPostgres({ url, times = {}, startWaitMs = 15_000 }: PostgresOptions): Promise<Database> {
  // The driver takes any other text for the name of a database on this machine.
  if (!/^postgres(?:ql)?:\/\//.test(url) || !URL.canParse(url)) refuse('A PostgreSQL is given as postgres://….')
  requireReadable(url)
  const allTimes = { ...postgresTimes, ...times }
  await migratePatiently(url, { ...allTimes, startWaitMs })
  const queries = connect(url, allTimes)
  const parts = { whos: createWhoParts(), whats: createWhatParts() }
  return {
    queries,
    readSnapshot: (work) =>
      queries.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(work),
    async insertAuditEvents(records) {
      if (records.length === 0) return
      const { statement, stored } = toAuditInsert(records, parts)
      await statement.execute(queries)
      stored()
    },
    close: () => queries.destroy(),
  }
}

/** The driver reads an address, and the certificates that it names, when it first connects, and its words may hold parts of it. */
function requireReadable(url: string): void {
  try {
    void new Client({ connectionString: url })
  } catch {
    refuse('The address of the PostgreSQL cannot be read, or names a file of a certificate that cannot be.')
  }
}

function connect(url: string, times: PostgresTimes): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool: createPostgresPool(url, times) }) })
}

type Parts = { whos: ReturnType<typeof createWhoParts>; whats: ReturnType<typeof createWhatParts> }

/** One statement is one transaction. */
function toAuditInsert(records: readonly AuditRecord[], { whos, whats }: Parts) {
  const seen = { whos: new SeenParts(), whats: new SeenParts() }
  const rows = records.map((given) => {
    const record = toStorableRecord(given)
    const who = whos.find(record.who)
    const what = whats.findAgain(record.what)
    seen.whos.add(who, record.at)
    if (what) seen.whats.add(what, record.at)
    return toValues(toAuditValues(record, who.id, what?.id ?? null))
  })
  const named = [...toPartInserts(whos, seen.whos), ...toPartInserts(whats, seen.whats)]
  const first = named.length === 0 ? sql`` : sql`with ${sql.join(named)}`
  return {
    statement: sql`${first} insert into audit_event (${toColumns(auditColumns)}) values ${sql.join(rows)}`,
    stored: () => {
      seen.whos.stored()
      seen.whats.stored()
    },
  }
}

function toPartInserts({ table, columns, insertEnd }: PartTable, seen: SeenParts) {
  const rows = seen.inOrder().map(([row, at]) => toValues(toPartValues(row, at)))
  if (rows.length === 0) return []
  return [
    sql`${sql.ref(`named_${table}`)} as (insert into ${sql.table(table)} (${toColumns(columns)})
      values ${sql.join(rows)} ${sql.raw(insertEnd)})`,
  ]
}

function toColumns(columns: readonly string[]) {
  return sql.join(columns.map((column) => sql.ref(column)))
}

function toValues(values: readonly (string | number | null)[]) {
  return sql`(${sql.join(values.map(toStorable))})`
}

/** PostgreSQL keeps no NUL in a text: U+2400, the picture of one, takes its place. */
function toStorable(value: string | number | null): string | number | null {
  return typeof value === 'string' ? value.replaceAll('\0', '\u2400') : value
}

const retryMs = 250
/** A migration of large tables takes its time, and so does waiting for another replica's. */
const migrateMs = 600_000

type Waiting = PostgresTimes & { startWaitMs: number }

async function migratePatiently(url: string, { startWaitMs, connectMs }: Waiting): Promise<void> {
  const giveUpAt = performance.now() + startWaitMs
  for (;;) {
    try {
      await migrate(url, { connectMs, answerMs: migrateMs })
      return
    } catch (error) {
      const failure = toOpenFailure(url, error)
      if (failure.code !== 'storage_unavailable' || performance.now() >= giveUpAt) throw failure
    }
    await delay(retryMs)
  }
}

async function migrate(url: string, times: PostgresTimes): Promise<void> {
  const queries = connect(url, times)
  try {
    await migrateToLatest(queries, migrationsFor(postgresFlavour), lockForMigration)
  } finally {
    await queries.destroy()
  }
}

/** Any number that nobody else has for this purpose in this database. */
const migrationLock = 4_180_202_611

/** Beginning a transaction keeps nobody out, and two replicas that create one table at the same time would both fail. */
async function lockForMigration<DB>(transaction: Kysely<DB>): Promise<void> {
  await sql`select pg_advisory_xact_lock(${migrationLock})`.execute(transaction)
  const { rows } = await sql<{ encoding: string; mayCreate: boolean | null }>`
    select current_setting('server_encoding') as encoding,
      has_schema_privilege(current_schema(), 'create') as "mayCreate"`.execute(transaction)
  const [facts] = rows
  if (facts?.encoding !== 'UTF8') refuse(`The database has the encoding ${facts?.encoding}. Create one with UTF8.`)
  if (facts?.mayCreate !== true) refuse('The database does not let this user create tables. Make it the owner.')
}

function refuse(reason: string): never {
  throw new GatewayError('config_invalid', { details: { reason } })
}

/** What the operator can do something about, by the beginning of its SQLSTATE. */
const refusals: readonly { state: string; reason: string }[] = [
  { state: '28', reason: 'refuses this login' },
  { state: '3D', reason: 'has no database of this name' },
]

function toOpenFailure(url: string, error: unknown): GatewayError {
  if (error instanceof GatewayError && error.code === 'config_invalid') return error
  const address = describeAddress(url)
  const state = stateOf(error)
  const refusal = refusals.find((refusal) => state.startsWith(refusal.state))
  if (refusal)
    return new GatewayError('config_invalid', {
      details: { reason: `PostgreSQL (${address}) ${refusal.reason}.` },
      cause: error,
    })
  if (!(error instanceof GatewayError)) return new GatewayError('internal', { cause: error })
  const reason = error.code === 'storage_unavailable' ? { reason: `PostgreSQL (${address}) cannot be reached.` } : {}
  return new GatewayError(error.code, { details: { ...error.details, ...reason }, cause: error.cause })
}

/** The SQLSTATE behind a failure, however often it was wrapped. */
function stateOf(error: unknown): string {
  if (error instanceof DatabaseError) return error.code ?? ''
  return error instanceof Error && error.cause !== undefined ? stateOf(error.cause) : ''
}

/** Host, port and database; never the login. */
function describeAddress(url: string): string {
  const { host, pathname, searchParams } = new URL(url)
  return `${searchParams.get('host') ?? host}${pathname}`
}
