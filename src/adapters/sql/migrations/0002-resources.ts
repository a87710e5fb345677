import { type CreateTableBuilder, type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Flavour } from '#adapters/sql/flavour.ts'

/** Everything that people manage. `docs/operations/storage.md` says what each column is for. */
export function resources(flavour: Flavour): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await createResource(db, flavour)
      await createResourceParts(db, flavour)
      await createChanges(db, flavour)
      await createBesides(db, flavour)
      await createSessions(db, flavour)
      await createSessionCounter(db, flavour)
    },
  }
}

async function createResource({ schema }: Kysely<unknown>, { text, integer, end }: Flavour): Promise<void> {
  const resource = schema
    .createTable('resource')
    .addColumn('id', text, (column) => column.primaryKey().notNull())
    .addColumn('kind', text, (column) => column.notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('labels', text, (column) => column.notNull())
    .addColumn('spec', text, (column) => column.notNull())
    .addColumn('version', integer, (column) => column.notNull())
    .addColumn('created_at', integer, (column) => column.notNull())
    .addColumn('created_by', text, (column) => column.notNull())
    .addColumn('updated_at', integer, (column) => column.notNull())
    .addColumn('updated_by', text, (column) => column.notNull())
    // Of tokens alone: two nulls are no duplicates.
    .addColumn('digest', text, (column) => column.unique())
    .addUniqueConstraint('resource_kind_name', ['kind', 'name'])
  await end(resource).execute()
}

/** What a resource's row says in JSON, again in rows of its own, so that it can be looked for. */
async function createResourceParts({ schema }: Kysely<unknown>, { text, end }: Flavour): Promise<void> {
  const label = schema
    .createTable('resource_label')
    .addColumn('resource_id', text, (column) => column.notNull())
    .addColumn('key', text, (column) => column.notNull())
    .addColumn('value', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('resource_label_key', ['resource_id', 'key'])
  await end(ownedBy(label, 'resource', 'resource_id')).execute()
  await schema.createIndex('resource_label_value').on('resource_label').columns(['key', 'value']).execute()

  const ref = schema
    .createTable('resource_ref')
    .addColumn('from_id', text, (column) => column.notNull())
    .addColumn('path', text, (column) => column.notNull())
    .addColumn('to_kind', text, (column) => column.notNull())
    .addColumn('to_id', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('resource_ref_key', ['from_id', 'path', 'to_kind', 'to_id'])
  await end(ownedBy(ref, 'resource', 'from_id')).execute()
  await schema.createIndex('resource_ref_to').on('resource_ref').columns(['to_id']).execute()
}

async function createChanges(db: Kysely<unknown>, { text, integer, end }: Flavour): Promise<void> {
  const change = db.schema
    .createTable('resource_change')
    .addColumn('number', integer, (column) => column.primaryKey().notNull())
    .addColumn('kind', text, (column) => column.notNull())
    .addColumn('id', text, (column) => column.notNull())
  await end(change).execute()
  const counter = db.schema
    .createTable('resource_counter')
    .addColumn('id', integer, (column) => column.primaryKey().notNull())
    .addColumn('last', integer, (column) => column.notNull())
    .addColumn('forgotten', integer, (column) => column.notNull())
    .addCheckConstraint('resource_counter_is_one_row', sql`id = 1`)
  await end(counter).execute()
  await sql`insert into resource_counter (id, last, forgotten) values (1, 0, 0)`.execute(db)
}

async function createBesides({ schema }: Kysely<unknown>, { text, integer, end }: Flavour): Promise<void> {
  const use = schema
    .createTable('token_use')
    .addColumn('token_id', text, (column) => column.primaryKey().notNull())
    .addColumn('at', integer, (column) => column.notNull())
  await end(use).execute()

  const secret = schema
    .createTable('user_secret')
    .addColumn('user_id', text, (column) => column.primaryKey().notNull())
    .addColumn('phc', text, (column) => column.notNull())
    .addColumn('set_at', integer, (column) => column.notNull())
  await end(ownedBy(secret, 'resource', 'user_id')).execute()

  const key = schema
    .createTable('idempotency_key')
    .addColumn('scope', text, (column) => column.notNull())
    .addColumn('key', text, (column) => column.notNull())
    .addColumn('fingerprint', text, (column) => column.notNull())
    .addColumn('status', integer)
    .addColumn('body', text)
    .addColumn('until', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('idempotency_key_key', ['scope', 'key'])
  await end(key).execute()
  await schema.createIndex('idempotency_key_until').on('idempotency_key').columns(['until']).execute()
}

async function createSessions({ schema }: Kysely<unknown>, { text, integer, counted, end }: Flavour): Promise<void> {
  const session = schema
    .createTable('session')
    .addColumn('id', text, (column) => column.primaryKey().notNull())
    .addColumn('agent_id', text, (column) => column.notNull())
    .addColumn('status', text, (column) => column.notNull())
    .addColumn('created_at', integer, (column) => column.notNull())
    .addColumn('created_by', text, (column) => column.notNull())
    .addColumn('updated_at', integer, (column) => column.notNull())
    .addColumn('expires_at', integer, (column) => column.notNull())
    .addColumn('ended_at', integer)
    .addColumn('details', text, (column) => column.notNull())
    .addColumn('version', integer, (column) => column.notNull())
    .addColumn('change_number', integer, (column) => column.unique().notNull())
    .addCheckConstraint('session_status_is_known', sql`status in ('creating', 'ready', 'failed', 'dead')`)
  await end(session).execute()
  await schema.createIndex('session_agent').on('session').columns(['agent_id', 'created_at']).execute()
  await schema.createIndex('session_expiry').on('session').columns(['status', 'expires_at']).execute()

  const event = schema
    .createTable('session_event')
    .addColumn('id', integer, counted)
    .addColumn('session_id', text, (column) => column.notNull())
    .addColumn('at', integer, (column) => column.notNull())
    .addColumn('kind', text, (column) => column.notNull())
    .addColumn('details', text, (column) => column.notNull())
  await end(ownedBy(event, 'session', 'session_id')).execute()
  await schema.createIndex('session_event_session').on('session_event').columns(['session_id', 'id']).execute()
}

/** Every change of a session has a number, in the order in which changes are committed: replicas catch up by it. */
async function createSessionCounter(db: Kysely<unknown>, { integer, end }: Flavour): Promise<void> {
  const counter = db.schema
    .createTable('session_counter')
    .addColumn('id', integer, (column) => column.primaryKey().notNull())
    .addColumn('last', integer, (column) => column.notNull())
    .addCheckConstraint('session_counter_is_one_row', sql`id = 1`)
  await end(counter).execute()
  await sql`insert into session_counter (id, last) values (1, 0)`.execute(db)
}

/** Its rows go with the row that they belong to. */
function ownedBy<Name extends string, Columns extends string>(
  table: CreateTableBuilder<Name, Columns>,
  owner: 'resource' | 'session',
  column: NoInfer<Columns>,
): CreateTableBuilder<Name, Columns> {
  return table.addForeignKeyConstraint(`${column}_is_of_a_${owner}`, [column], owner, ['id'], (constraint) =>
    constraint.onDelete('cascade'),
  )
}
