import { type Kysely, sql } from 'kysely'
import { DEFAULT_MIGRATION_TABLE, type Migration, Migrator } from 'kysely/migration'
import { GatewayError } from '#contract/errors.ts'
import { tokensAndAudit } from '#adapters/sql/migrations/0001-tokens-and-audit.ts'
import { resources } from '#adapters/sql/migrations/0002-resources.ts'
import { dropToken } from '#adapters/sql/migrations/0003-drop-token.ts'
import { unknownOutcomes } from '#adapters/sql/migrations/0005-unknown-outcomes.ts'
import { auditDetails } from '#adapters/sql/migrations/0006-audit-details.ts'
import { auditWho } from '#adapters/sql/migrations/0007-audit-who.ts'
import { vault } from '#adapters/sql/migrations/0008-vault.ts'
import { connectFlows } from '#adapters/sql/migrations/0009-connect-flows.ts'
import { auditWhat } from '#adapters/sql/migrations/0010-audit-what.ts'
import type { Flavour } from './flavour.ts'

export type Migrations = Readonly<Record<string, Migration>>

/** Every migration there is. They run in the order of their names; one that was released never changes. */
export function migrationsFor(flavour: Flavour): Migrations {
  return {
    '0001_tokens_and_audit': tokensAndAudit(flavour),
    '0002_resources': resources(flavour),
    '0003_drop_token': dropToken,
    '0005_unknown_outcomes': unknownOutcomes(flavour),
    '0006_audit_details': auditDetails(flavour),
    '0007_audit_who': auditWho(flavour),
    '0008_vault': vault(flavour),
    '0009_connect_flows': connectFlows(flavour),
    '0010_audit_what': auditWhat(flavour),
  }
}

/**
 * Brings the database up to date in one transaction: all of it or nothing, and a second process waits for the first.
 * A database that a newer version has migrated is refused, for this version does not know what its tables mean.
 * @param lock waits for other processes where beginning a transaction does not; what it takes is held until the end
 */
export async function migrateToLatest<DB>(
  queries: Kysely<DB>,
  known: Migrations,
  lock?: (transaction: Kysely<DB>) => Promise<void>,
): Promise<void> {
  await queries.transaction().execute(async (transaction) => {
    await lock?.(transaction)
    const unknown = (await listExecuted(transaction)).find((name) => !Object.hasOwn(known, name))
    if (unknown !== undefined) {
      const reason = `The database was written by a newer version of Toolgate (migration ${unknown}). Run that version, or restore a copy from before the upgrade.`
      throw new GatewayError('config_invalid', { details: { reason, migration: unknown } })
    }
    const migrator = new Migrator({ db: transaction, provider: { getMigrations: () => Promise.resolve({ ...known }) } })
    const { error } = await migrator.migrateToLatest()
    // The migrator returns its error; only a throw rolls the transaction back.
    if (error instanceof GatewayError) throw error
    if (error !== undefined)
      throw new GatewayError('internal', { details: { reason: 'A migration failed.' }, cause: error })
  })
}

async function listExecuted<DB>(queries: Kysely<DB>): Promise<string[]> {
  const tables = await queries.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some((table) => table.name === DEFAULT_MIGRATION_TABLE)) return []
  const query = sql<{ name: string }>`select name from ${sql.table(DEFAULT_MIGRATION_TABLE)} order by name`
  return (await query.execute(queries)).rows.map((row) => row.name)
}
