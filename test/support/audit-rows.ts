import { DatabaseSync } from 'node:sqlite'

export type AuditRow = Record<
  'kind' | 'token_name' | 'endpoint' | 'method' | 'server' | 'target' | 'effect' | 'reason' | 'outcome',
  string
>

/** The stored audit events in order, read as a stranger would: from the file, while nobody else has it open. */
export function readAuditRows(databasePath: string): AuditRow[] {
  const database = new DatabaseSync(databasePath, { readOnly: true })
  try {
    return database.prepare('select * from audit order by id').all() as AuditRow[]
  } finally {
    database.close()
  }
}
