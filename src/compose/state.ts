/** What the gateway decides from: the database, what is in it as this process knows it, and what the configuration lays over it. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { createSqlAuditHistory } from '#adapters/sql/audit-history.ts'
import { createSqlAuditLog } from '#adapters/sql/audit-log.ts'
import { openDatabase, type Database } from '#adapters/sql/database.ts'
import { createSqlFlowStore } from '#adapters/sql/flow-store.ts'
import { createSqlIdempotencyStore } from '#adapters/sql/idempotency-store.ts'
import { createSqlPasswordStore } from '#adapters/sql/password-store.ts'
import { createSqlResourceStore } from '#adapters/sql/resource-store.ts'
import { createSqlSessionStore } from '#adapters/sql/session-store.ts'
import type { AuditHistory } from '#core/audit/audit-history.ts'
import type { AuditRecordLog } from '#core/audit/audit-log.ts'
import type { AuditRecorderLog } from '#core/audit/audit-recorder.ts'
import type { FlowStore } from '#core/credential/flow-store.ts'
import type { PasswordStore } from '#core/identity/password-store.ts'
import type { TokenUses } from '#core/identity/token-uses.ts'
import type { IdempotencyStore } from '#core/resources/idempotency-store.ts'
import { ResourceFeed } from '#core/resources/resource-feed.ts'
import { createSealedStore } from '#core/resources/seal-resources.ts'
import type { ResourceStore } from '#core/resources/resource-store.ts'
import { ResourceSnapshot } from '#core/resources/snapshot.ts'
import type { SessionStore } from '#core/session/session-store.ts'
import type { Vault } from '#core/vault/vault.ts'
import { openRecorder, type Recording } from './audit-recording.ts'
import { describeError } from './describe-error.ts'
import { followKeys } from './follow-keys.ts'
import { systemClock } from './system-clock.ts'
import { noteTokenUses } from './token-uses.ts'
import type { VaultParts } from './vault.ts'

export type State = {
  audit: AuditRecorderLog
  tokenUses: Pick<TokenUses, 'note'>
  history: AuditHistory
  idempotency: IdempotencyStore
  flows: FlowStore
  vault: Vault
  store: ResourceStore
  passwords: PasswordStore
  sessions: SessionStore
  snapshot: ResourceSnapshot
  feed: ResourceFeed
}

type Opening = {
  dataPath: string
  /** The address of a PostgreSQL that replicas share; undefined: a file in the data folder. */
  postgres: string | undefined
  openVault: (database: Database) => Promise<Pick<VaultParts, 'vault' | 'ring'>>
  recording: Recording
  log: Logger
  resources: AsyncDisposableStack
  /** After the snapshot has changed. */
  onChange: () => void
}

/** Rejects with `config_invalid` where the data folder, the database or its keys cannot be used. The feed is not started. */
export async function openState(opening: Opening): Promise<State> {
  const { dataPath, postgres, recording, log, resources, onChange } = opening
  const database = await openStorage(dataPath, postgres)
  resources.defer(() => database.close())
  const { vault, ring } = await opening.openVault(database)
  resources.use(followKeys(ring, { clock: systemClock, log }))
  const store = createSealedStore(createSqlResourceStore({ database }), vault)
  const noted = resources.use(noteTokenUses({ store, clock: systemClock, log }))
  const snapshot = new ResourceSnapshot()
  const stored = noted.noting(openAudit(database, { recording, log }))
  const audit = openRecorder(stored, { snapshot, recording })
  resources.defer(() => audit.close())
  const feed = new ResourceFeed({
    store,
    snapshot,
    clock: systemClock,
    onChange,
    onReach: (error) => {
      if (error === null) log.info('the database is there again')
      else log.error({ err: describeError(error) }, 'the database cannot be reached; calls go on with what is known')
    },
  })
  resources.defer(() => feed.close())
  return {
    audit,
    tokenUses: noted.uses,
    history: createSqlAuditHistory(database),
    idempotency: createSqlIdempotencyStore(database),
    flows: createSqlFlowStore(database),
    passwords: createSqlPasswordStore(database),
    sessions: createSqlSessionStore(database),
    vault,
    store,
    snapshot,
    feed,
  }
}

/** Each driver is loaded only where it is used. */
export async function openStorage(dataPath: string, postgres: string | undefined): Promise<Database> {
  if (postgres === undefined) return openDatabase({ path: databasePath(dataPath) })
  const { openPostgres } = await import('#adapters/sql/postgres.ts')
  return openPostgres({ url: postgres })
}

export function databasePath(dataPath: string): string {
  return join(dataPath, 'toolgate.db')
}

/** Everything that is kept lies below it, for its owner alone. */
export function makeDataFolder(dataPath: string): void {
  mkdirSync(dataPath, { recursive: true, mode: 0o700 })
}

function openAudit(database: Database, { recording, log }: Pick<Opening, 'recording' | 'log'>): AuditRecordLog {
  const onRefused = (cause: unknown, lost: number): void =>
    log.error({ err: describeError(cause), lost }, 'audit events were not stored')
  const onReach = (cause: unknown, waiting: number): void =>
    cause === null
      ? log.info({ waiting }, 'audit events are stored again')
      : log.error({ err: describeError(cause), waiting }, 'audit events cannot be stored now, and wait')
  const onLost = (lost: { calls: number; refusals: number }): void =>
    log.warn(lost, 'audit events found no room and were not stored')
  const ringMax = recording.limits.auditEventsMax
  return createSqlAuditLog({ database, ringMax, onRefused, onLost, onReach })
}
