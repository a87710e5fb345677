/** SQLite as the query builder wants it, over `node:sqlite`. Nothing here knows our tables. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
  type SqliteStatement,
} from 'kysely'
import { GatewayError } from '#contract/errors.ts'

/** SQLite waits for another process by blocking this thread, so it may wait only this long; `whenFree` does the rest. */
export const busyTimeoutMs = 15
const lockPollMs = 10
const lockWaitMsMax = 5_000
const statementsMax = 256

export class NodeSqliteDialect extends SqliteDialect {
  readonly #handle: DatabaseSync
  readonly #config: SqliteDialectConfig

  constructor(handle: DatabaseSync) {
    const config = { database: toSqliteDatabase(handle) }
    super(config)
    this.#handle = handle
    this.#config = config
  }

  override createDriver(): Driver {
    return new PatientSqliteDriver(this.#handle, this.#config)
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalSqliteAdapter()
  }
}

/** SQLite rolls table changes back like any other; the stock adapter denies it, and half a migration would stay. */
class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

/** Takes the write lock when a transaction begins: the wait is here, where nothing is done yet, and never in the middle. */
class PatientSqliteDriver extends SqliteDriver {
  readonly #handle: DatabaseSync

  constructor(handle: DatabaseSync, config: SqliteDialectConfig) {
    super(config)
    this.#handle = handle
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await whenFree(() => connection.executeQuery(CompiledQuery.raw('begin immediate')))
  }

  /** A full disk or an I/O error has ended the transaction already; a second end would hide that error behind its own. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#handle.isTransaction) await super.rollbackTransaction(connection)
  }
}

/** Tries again while another process holds the lock, for at most 5 s, and lets this process go on meanwhile. */
export async function whenFree<Result>(attempt: () => Result | Promise<Result>): Promise<Result> {
  const giveUpAt = performance.now() + lockWaitMsMax
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!isBusy(error) || performance.now() >= giveUpAt) throw error
    }
    await delay(lockPollMs)
  }
}

const busy = 5
/** SQLite's own codes for what is no fault of the statement: nomem, readonly, ioerr, full, cantopen. */
const unavailable = new Set([busy, 7, 8, 10, 13, 14])

function isBusy(error: unknown): boolean {
  return codeOf(error instanceof GatewayError ? error.cause : error) === busy
}

/** Extended codes keep the plain one in the low byte. */
function codeOf(error: unknown): number | null {
  const isSqlite = error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
  return isSqlite ? Number(error.errcode) & 0xff : null
}

/** What has to do with the file and the machine is `storage_unavailable`; it may work later. */
export function withFailures<Result>(run: () => Result): Result {
  try {
    return run()
  } catch (error) {
    if (unavailable.has(codeOf(error) ?? 0)) throw new GatewayError('storage_unavailable', { cause: error })
    throw error
  }
}

function toSqliteDatabase(handle: DatabaseSync): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>()
  return {
    close: () => {
      statements.clear()
      handle.close()
    },
    prepare: (sql) => {
      const known = statements.get(sql)
      if (known) return known
      // Texts are few in practice; the limit is for lists of values, whose length makes each text another.
      if (statements.size >= statementsMax) statements.clear()
      const statement = toSqliteStatement(withFailures(() => handle.prepare(sql)))
      statements.set(sql, statement)
      return statement
    },
  }
}

function toSqliteStatement(statement: StatementSync): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => withFailures(() => statement.all(...parameters.map(toInput))),
    run: (parameters) => withFailures(() => statement.run(...parameters.map(toInput))),
    iterate: (parameters) => statement.iterate(...parameters.map(toInput)),
  }
}

/** `node:sqlite` binds no booleans in this form and no `undefined`; anything else that is no SQL value is a defect of ours. */
function toInput(value: unknown): SQLInputValue {
  if (value === undefined || value === null) return null
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return value
  if (value instanceof Uint8Array) return value
  throw new TypeError(`A query parameter of type ${typeof value} cannot be stored.`)
}
