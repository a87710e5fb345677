/** The tables as the query builder sees them. `docs/operations/storage.md` says what each column is for. */
import type { Generated } from 'kysely'

export type Tables = {
  token: TokenTable
  audit_event: AuditEventTable
}

export type TokenTable = {
  id: string
  name: string
  hash: string
  /** A JSON array of texts. */
  policies: string
  expires_at: number | null
  created_at: number
}

export type AuditEventTable = {
  /** Ascends in the order of storing and is never used again. */
  id: Generated<number>
  at: number
  kind: string
  token_id: string
  token_name: string
  request_id: string
  endpoint: string
  method: string
  server: string
  target: string
  effect: string
  reason: string
  outcome: string
  duration_ms: number
}
