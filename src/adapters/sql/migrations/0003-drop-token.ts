import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Tokens are resources. The one that this table could hold, the first admin's, is made anew at the next start and shown there. */
export const dropToken: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.dropTable('token').execute()
  },
}
