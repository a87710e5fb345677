/** How events get into SQLite: within a transaction of the caller's. */
import type { DatabaseSync } from 'node:sqlite'
import { toStorableRecord, type AuditRecord } from '#core/audit/audit-record.ts'
import { createWhatParts, createWhoParts, type PartTable, SeenParts, toPartValues } from './audit-parts.ts'
import { auditInserts, isUsual, toNamedValues, toUsualValues, toWholeValues } from './audit-row.ts'

export type AuditInsert = {
  /** Inserts the records in their order. */
  run(): void
  /** The transaction is committed. */
  stored(): void
}

export function createAuditInsert(handle: DatabaseSync): (records: readonly AuditRecord[]) => AuditInsert {
  const usual = handle.prepare(auditInserts.usual)
  const named = handle.prepare(auditInserts.named)
  const whole = handle.prepare(auditInserts.whole)
  const [whos, whats] = [createWhoParts(), createWhatParts()]
  const insertWho = handle.prepare(toInsertSql(whos))
  const insertWhat = handle.prepare(toInsertSql(whats))

  function insert(given: AuditRecord, seen: SeenParts): void {
    const record = toStorableRecord(given)
    const who = whos.find(record.who)
    const what = whats.findAgain(record.what)
    if (seen.add(who, record.at)) insertWho.run(...toPartValues(who, record.at))
    if (what === null) {
      whole.run(...toWholeValues(record, who.id))
      return
    }
    if (seen.add(what, record.at)) insertWhat.run(...toPartValues(what, record.at))
    const ids = { who: who.id, what: what.id }
    if (isUsual(record)) usual.run(...toUsualValues(record, ids))
    else named.run(...toNamedValues(record, ids))
  }

  return (records) => {
    const seen = new SeenParts()
    return {
      run: () => records.forEach((record) => insert(record, seen)),
      stored: () => seen.stored(),
    }
  }
}

function toInsertSql({ table, columns, insertEnd }: PartTable): string {
  return `insert into ${table} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')}) ${insertEnd}`
}
