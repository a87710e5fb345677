/** What the two databases write differently when a table is made. Everything else is written once. */
import { type ColumnDefinitionBuilder, type CreateTableBuilder, type Expression, type RawBuilder, sql } from 'kysely'

export type Flavour = {
  /** Texts compare by their bytes, whatever the locale of the machine: pages are in one order everywhere. */
  text: 'text' | RawBuilder<unknown>
  /** Whole numbers to 2^53: times in milliseconds do not fit into 32 bits. */
  integer: 'integer' | 'bigint'
  real: 'real' | 'double precision'
  /** A key that the database counts up itself. */
  counted: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder
  /** What stands behind the list of columns. */
  end: <Name extends string, Columns extends string>(
    table: CreateTableBuilder<Name, Columns>,
  ) => CreateTableBuilder<Name, Columns>
  /** Statements that give a view another query, whose columns begin with those that it has. In PostgreSQL who may read it stays so. */
  replaceView: (name: string, select: string) => readonly string[]
}

/** `strict` makes SQLite refuse a value of the wrong type instead of storing it. */
const strict: Expression<unknown> = sql`strict`

export const sqliteFlavour: Flavour = {
  text: 'text',
  integer: 'integer',
  real: 'real',
  counted: (column) => column.primaryKey().notNull(),
  end: (table) => table.modifyEnd(strict),
  replaceView: (name, select) => [`drop view ${name}`, `create view ${name} as ${select}`],
}

export const postgresFlavour: Flavour = {
  text: sql`text collate "C"`,
  integer: 'bigint',
  real: 'double precision',
  counted: (column) => column.primaryKey().notNull().generatedAlwaysAsIdentity(),
  end: (table) => table,
  replaceView: (name, select) => [`create or replace view ${name} as ${select}`],
}
