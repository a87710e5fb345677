/** The tables as the query builder sees them. `docs/operations/storage.md` says what each column is for. */
import type { Generated } from 'kysely'

export type Tables = {
  audit_event: AuditEventTable
  audit_who: AuditWhoTable
  audit_what: AuditWhatTable
  audit: AuditView
  resource: ResourceTable
  resource_label: ResourceLabelTable
  resource_ref: ResourceRefTable
  resource_change: ResourceChangeTable
  resource_counter: ResourceCounterTable
  token_use: TokenUseTable
  user_secret: UserSecretTable
  idempotency_key: IdempotencyKeyTable
  session: SessionTable
  session_event: SessionEventTable
  session_counter: SessionCounterTable
  connect_flow: ConnectFlowTable
  vault_key: VaultKeyTable
}

export type AuditEventTable = {
  /** Ascends in the order of storing and is never used again. */
  id: Generated<number>
  at: number
  kind: string
  /** The id of an `audit_who`; empty in events that were stored before there were any, which say themselves who it was. */
  who: string
  /** The id of an `audit_what`; empty in events that say themselves what was done. */
  what: string
  principal_kind: string
  principal_id: string
  principal_name: string
  token_id: string
  token_name: string
  token_hash: string
  session_id: string
  changed_by: string
  request_id: string
  project: string
  toolset: string
  endpoint: string
  method: string
  server: string
  target: string
  target_id: string
  called_as: string
  effect: string
  reason: string
  outcome: string
  duration_ms: number
  upstream_ms: number | null
  arguments_digest: string
  arguments: string
  result: string
}

/** Events with who did them, and what, whenever they were stored: what is read. */
export type AuditView = Omit<AuditEventTable, 'who' | 'what'> & Pick<AuditWhoTable, 'credential'>

export type AuditWhoTable = {
  id: string
  /** Unix time in milliseconds of an event of its, some time ago at most. */
  seen_at: number
  principal_kind: string
  principal_id: string
  principal_name: string
  token_id: string
  token_name: string
  token_hash: string
  session_id: string
  credential: string
}

export type AuditWhatTable = {
  id: string
  /** As in `audit_who`. */
  seen_at: number
  kind: string
  endpoint: string
  method: string
  server: string
  target: string
  effect: string
  reason: string
  called_as: string
  changed_by: string
  project: string
  toolset: string
  target_id: string
}

export type ResourceTable = {
  id: string
  kind: string
  /** Unique in its kind. */
  name: string
  /** A JSON object of texts. */
  labels: string
  /** A JSON object. */
  spec: string
  version: number
  created_at: number
  created_by: string
  updated_at: number
  updated_by: string
  /** Of tokens alone; unique. */
  digest: string | null
  /** The `vault_key` that `spec` is sealed under; null where it is under none. */
  sealed_by: string | null
}

export type ResourceLabelTable = {
  resource_id: string
  key: string
  value: string
}

export type ResourceRefTable = {
  from_id: string
  path: string
  to_kind: string
  to_id: string
}

export type ResourceChangeTable = {
  number: number
  kind: string
  id: string
}

export type ResourceCounterTable = {
  /** 1: there is one row. */
  id: number
  /** The number of the last change. */
  last: number
  /** Changes up to this number have no row any more. */
  forgotten: number
}

export type TokenUseTable = {
  token_id: string
  at: number
}

export type UserSecretTable = {
  user_id: string
  phc: string
  set_at: number
}

export type IdempotencyKeyTable = {
  scope: string
  key: string
  fingerprint: string
  /** Null, as `body`, while the request is under way. */
  status: number | null
  body: string | null
  /** From then on nobody will say any more how it ended. */
  unknown_from: number
  until: number
  /** The `vault_key` that `body` is sealed under; null where it is under none. */
  sealed_by: string | null
}

export type SessionTable = {
  id: string
  agent_id: string
  status: string
  created_at: number
  created_by: string
  updated_at: number
  expires_at: number
  ended_at: number | null
  /** A JSON object: all that is not looked for. */
  details: string
  version: number
  /** Of the last change of this session: rises over all sessions. */
  change_number: number
}

export type SessionCounterTable = {
  /** 1: there is one row. */
  id: number
  /** The number of the last change of any session. */
  last: number
}

export type SessionEventTable = {
  /** Ascends in the order of storing. */
  id: Generated<number>
  session_id: string
  at: number
  kind: string
  /** A JSON object. */
  details: string
}

export type ConnectFlowTable = {
  /** SHA-256 of the state. */
  id: string
  expires_at: number
  /** From then on the row can go. */
  remember_until: number
  /** A JSON object; null once it was taken. */
  details: string | null
}

export type VaultKeyTable = {
  id: string
  wrapped: string
  wrapped_by: string
  created_at: number
  /** Null: the current one. There is one at most. */
  retired_at: number | null
}
