/** What both databases say where a row names one that is not there, or is named by one that is. */

/** SQLITE_CONSTRAINT_FOREIGNKEY. */
const sqliteCode = 787
/** SQLSTATE foreign_key_violation. */
const postgresCode = '23503'

export function isForeignKeyBroken(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ('errcode' in error) return error.errcode === sqliteCode
  return 'code' in error && error.code === postgresCode
}
