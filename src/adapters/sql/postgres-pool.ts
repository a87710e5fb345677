/** Connections to PostgreSQL whose every wait is bounded, and whose failures are the gateway's. */
import type { PostgresPool, PostgresPoolClient } from 'kysely'
import { Client, Pool, type PoolClient, type PoolConfig, TypeOverrides, types } from 'pg'
import { isConnectionWhole, toPostgresFailure } from './postgres-failure.ts'

/** Of each replica; PostgreSQL itself allows 100 in all where nothing else is configured. */
const connectionsMax = 10

export type PostgresTimes = {
  /** Until there is a connection: a new one, or one that somebody else gives back. */
  connectMs: number
  /** Until a statement is answered. The server gives up a little earlier, so that it says why. */
  answerMs: number
}

export const postgresTimes: PostgresTimes = { connectMs: 3_000, answerMs: 10_000 }

/** Nothing is connected yet. */
export function createPostgresPool(url: string, times: PostgresTimes): PostgresPool {
  const pool = new Pool({ ...toConfig(url, times), max: connectionsMax })
  // The pool has dropped the connection; the next one who wants one gets another, or the failure.
  pool.on('error', () => undefined)
  return {
    Client,
    options: pool.options,
    end: () => pool.end(),
    async connect() {
      try {
        return toPoolClient(await pool.connect())
      } catch (error) {
        throw toPostgresFailure(error)
      }
    },
  }
}

function toConfig(connectionString: string, { connectMs, answerMs }: PostgresTimes): PoolConfig {
  const serverMs = Math.max(1, Math.floor(answerMs * 0.8))
  return {
    connectionString,
    application_name: 'toolgate',
    types: numbers,
    keepAlive: true,
    connectionTimeoutMillis: connectMs,
    query_timeout: answerMs,
    statement_timeout: serverMs,
    lock_timeout: Math.max(1, Math.floor(serverMs / 2)),
    // A replica that was cut off in the middle of a write would otherwise keep all others from writing.
    idle_in_transaction_session_timeout: answerMs,
  }
}

/** `pg` gives 64-bit numbers as texts. All of ours are times and counts below 2^53. */
const numbers = new TypeOverrides()
numbers.setTypeParser(types.builtins.INT8, Number)

function toPoolClient(client: PoolClient): PostgresPoolClient {
  let isWhole = true
  // Without a listener the loss of a connection that waits between two statements would end the process.
  const lose = (): void => void (isWhole = false)
  client.on('error', lose)
  async function query(sql: string, parameters: readonly unknown[]): Promise<Answer> {
    // The end of the connection, which `release` brings, rolls back; waiting for an answer would only take longer.
    if (!isWhole && sql === 'rollback') return { command: 'ROLLBACK', rowCount: 0, rows: [] }
    try {
      return await client.query(sql, [...parameters])
    } catch (error) {
      isWhole &&= isConnectionWhole(error)
      throw toPostgresFailure(error)
    }
  }
  return {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the other form takes a cursor, and the dialect is given none
    query: query as PostgresPoolClient['query'],
    release(isDiscarded) {
      client.off('error', lose)
      client.release(isDiscarded === true || !isWhole)
    },
  }
}

type Answer = { command: string; rowCount: number | null; rows: unknown[] }
