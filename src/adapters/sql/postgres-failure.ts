/** Which failures of PostgreSQL mean that it cannot be used at the moment, and which are defects of ours. */
import { DatabaseError } from 'pg'
import { GatewayError } from '#contract/errors.ts'

/**
 * Classes of SQLSTATE (PostgreSQL, appendix A) that say nothing about the statement: connections (08), a login that is
 * refused (28), resources that are used up (53), an operator's doing, such as a shutdown or the time limit of a statement
 * (57), and the system around it (58).
 */
const unavailableClasses = new Set(['08', '28', '53', '57', '58'])

const unavailableStates = new Set([
  '25006', // read_only_sql_transaction: this is a replica now, or its disk is full
  '25P03', // idle_in_transaction_session_timeout
  '3D000', // invalid_catalog_name: there is no such database, any more or yet
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '55P03', // lock_not_available: somebody held it for too long
])

/** A `storage_unavailable` with its cause, where it is one. Everything that is no word of the server is about the way to it. */
export function toPostgresFailure(error: unknown): unknown {
  return isUnavailable(error) ? new GatewayError('storage_unavailable', { cause: error }) : error
}

function isUnavailable(error: unknown): boolean {
  if (error instanceof DatabaseError) {
    const { code = '' } = error
    return unavailableClasses.has(code.slice(0, 2)) || unavailableStates.has(code)
  }
  const isDefect = error instanceof TypeError || error instanceof RangeError || error instanceof GatewayError
  return error instanceof Error && !isDefect
}

/** Whether the connection may be used by somebody else afterwards: the server has answered, and has not ended it. */
export function isConnectionWhole(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return error instanceof TypeError
  const { code = '' } = error
  return !code.startsWith('08') && !code.startsWith('57P') && code !== '25006' && code !== '25P03'
}
