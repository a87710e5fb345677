/** Every row of every table of a PostgreSQL, as text: `bytea` is hexadecimal there, which is a form that is looked for. */
import { arePlanted, look } from '../planted.ts'
import { withClient } from '../postgres/server.ts'

export async function lookAtRows(url: string): Promise<void> {
  if (!arePlanted()) return
  await withClient(url, async (client) => {
    const tables = await client.query<{ name: string }>(
      `select quote_ident(tablename) as name from pg_tables where schemaname = 'public'`,
    )
    for (const { name } of tables.rows) {
      const { rows } = await client.query<{ row: string }>(`select t::text as row from ${name} t`)
      for (const { row } of rows) look('rows', row, () => `the table ${name}`)
    }
  })
}
