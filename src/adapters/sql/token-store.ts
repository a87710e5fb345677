import type { Selectable } from 'kysely'
import { GatewayError } from '#contract/errors.ts'
import type { StoredToken, TokenStore } from '#core/identity/token-store.ts'
import type { Database } from './database.ts'
import type { TokenTable } from './tables.ts'

export function createSqlTokenStore(database: Pick<Database, 'queries'>): TokenStore {
  const { queries } = database
  return {
    async listTokens() {
      const rows = await queries.selectFrom('token').selectAll().orderBy('created_at').orderBy('id').execute()
      return rows.map(toStoredToken)
    },
    async putToken(token) {
      await queries.transaction().execute(async (transaction) => {
        await transaction
          .deleteFrom('token')
          .where((is) => is.or([is('id', '=', token.id), is('name', '=', token.name)]))
          .execute()
        const holder = await transaction
          .selectFrom('token')
          .select('id')
          .where('hash', '=', token.hash)
          .executeTakeFirst()
        if (holder)
          throw new GatewayError('config_invalid', { details: { reason: 'Two tokens have the same secret.' } })
        await transaction.insertInto('token').values(toRow(token)).execute()
      })
    },
    async deleteToken(id) {
      await queries
        .transaction()
        .execute((transaction) => transaction.deleteFrom('token').where('id', '=', id).execute())
    },
  }
}

function toRow(token: StoredToken): Selectable<TokenTable> {
  return {
    id: token.id,
    name: token.name,
    hash: token.hash,
    policies: JSON.stringify(token.policies),
    expires_at: token.expiresAt,
    created_at: token.createdAt,
  }
}

function toStoredToken(row: Selectable<TokenTable>): StoredToken {
  return {
    id: row.id,
    name: row.name,
    hash: row.hash,
    policies: parsePolicies(row),
    expiresAt: row.expires_at,
    createdAt: row.created_at,
  }
}

/** Stored data is input too, and a token whose policies cannot be read must not become one without any. */
function parsePolicies(row: Selectable<TokenTable>): string[] {
  const policies: unknown = JSON.parse(row.policies)
  if (Array.isArray(policies) && policies.every((policy) => typeof policy === 'string')) return policies
  throw new GatewayError('internal', { details: { reason: 'A stored token cannot be read.', tokenId: row.id } })
}
