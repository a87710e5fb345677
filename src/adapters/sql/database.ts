import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Kysely, sql } from 'kysely'
import { GatewayError } from '#contract/errors.ts'
import type { AuditRecord } from '#core/audit/audit-record.ts'
import { createAuditInsert } from './audit-insert.ts'
import { sqliteFlavour } from './flavour.ts'
import { migrateToLatest, migrationsFor } from './migrations.ts'
import { busyTimeoutMs, NodeSqliteDialect, whenFree, withFailures } from './node-sqlite.ts'
import type { Tables } from './tables.ts'

/** An open database, up to date. What the stores of this room share; `openPostgres` gives the same. */
export type Database = {
  /** Every write goes through `queries.transaction()`: it waits for other processes without blocking this one. */
  readonly queries: Kysely<Tables>
  /** One state of the database, however many queries look at it; writers of other connections go on meanwhile. */
  readSnapshot<Result>(work: (snapshot: Kysely<Tables>) => Promise<Result>): Promise<Result>
  /** Stores the events in one transaction, in their order: all of them or, when it rejects, none. */
  insertAuditEvents(records: readonly AuditRecord[]): Promise<void>
  /** Whoever uses the database has finished. */
  close(): Promise<void>
}

/**
 * Opens the file, creates it (0600) and its folder (0700) where they are missing, and runs the migrations. Other
 * processes may have the same file open. `:memory:` is a database of its own that ends with `close`.
 * @throws GatewayError `config_invalid` where the file cannot be opened or belongs to a newer version; `details.reason` says why
 */
export async function openDatabase(options: { path: string }): Promise<Database> {
  const handle = await openFile(options.path)
  const queries = new Kysely<Tables>({ dialect: new NodeSqliteDialect(handle) })
  try {
    await migrateToLatest(queries, migrationsFor(sqliteFlavour))
  } catch (error) {
    handle.close()
    const isTold = error instanceof GatewayError && error.code !== 'storage_unavailable'
    throw isTold ? error : toOpenFailure(options.path, error)
  }
  return toDatabase(handle, queries)
}

function toDatabase(handle: DatabaseSync, queries: Kysely<Tables>): Database {
  const insertAuditEvents = createAuditInsert(handle)
  return {
    queries,
    readSnapshot: (work) =>
      queries.connection().execute(async (connection) => {
        await sql`begin`.execute(connection)
        try {
          return await work(connection)
        } finally {
          await sql`commit`.execute(connection)
        }
      }),
    async insertAuditEvents(records) {
      const insert = insertAuditEvents(records)
      // The builder opens the transaction, so that it also queues behind the other users of the connection.
      await queries.transaction().execute(() => Promise.resolve(withFailures(() => insert.run())))
      insert.stored()
    },
    close: () => queries.destroy(),
  }
}

async function openFile(path: string): Promise<DatabaseSync> {
  try {
    const handle = new DatabaseSync(path === ':memory:' ? path : createFile(path), { timeout: busyTimeoutMs })
    try {
      await whenFree(() => handle.exec(pragmas))
    } catch (error) {
      handle.close()
      throw error
    }
    return handle
  } catch (error) {
    throw toOpenFailure(path, error)
  }
}

/**
 * - WAL: readers do not wait for the writer, and a commit is one append.
 * - `synchronous = normal`: a commit is in the operating system's hands and survives the death of this process; only the
 *   last moments before a power cut may be lost, and never the file.
 * - `wal_autocheckpoint`: pages of 4 kB. Moving the WAL into the file blocks this thread, so it moves half of the usual
 *   amount, twice as often; a batch of audit events that ends in it was measured at 10 ms instead of 17.
 * - `journal_size_limit`: the WAL shrinks to this many bytes after a burst.
 */
const pragmas = `
  pragma journal_mode = wal;
  pragma synchronous = normal;
  pragma foreign_keys = on;
  pragma wal_autocheckpoint = 500;
  pragma journal_size_limit = 16777216;
  pragma temp_store = memory;
`

/** SQLite gives its `-wal` and `-shm` files the mode of this one. A folder that exists is not ours to close. */
function createFile(path: string): string {
  const file = resolve(path)
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  closeSync(openSync(file, 'a', 0o600))
  chmodSync(file, 0o600)
  return file
}

function toOpenFailure(path: string, cause: unknown): GatewayError {
  const reason = `The database ${path} cannot be opened.`
  return new GatewayError('config_invalid', { details: { reason, path }, cause })
}
