/**
 * Who did something, and what, are texts that thousands of events say alike: each has a row of its own, which they name. Writing the event of
 * a call costs half as much so.
 */
import { hash } from 'node:crypto'
import type { AuditWhat } from '#core/audit/audit-what.ts'
import type { AuditWho } from '#core/audit/audit-who.ts'
import type { AuditWhatTable, AuditWhoTable } from './tables.ts'

/** In which column each part stands, here as in events of before. */
export const whoColumnOf = {
  principalKind: 'principal_kind',
  principalId: 'principal_id',
  principalName: 'principal_name',
  tokenId: 'token_id',
  tokenName: 'token_name',
  tokenHash: 'token_hash',
  sessionId: 'session_id',
  credential: 'credential',
} as const satisfies Record<keyof AuditWho, keyof AuditWhoTable>

export const whatColumnOf = {
  kind: 'kind',
  endpoint: 'endpoint',
  method: 'method',
  server: 'server',
  target: 'target',
  effect: 'effect',
  reason: 'reason',
  calledAs: 'called_as',
  changedBy: 'changed_by',
  project: 'project',
  toolset: 'toolset',
  targetId: 'target_id',
} as const satisfies Record<keyof AuditWhat, keyof AuditWhatTable>

/** When something was last seen is written so often at most: what is forgotten as old must be older by more (see `forgottenAfterMs`). */
const seenEveryMs = 3_600_000
/** A process says it as often: what somebody has taken out of a database that is in use is back so soon. */
const writtenEveryMs = 60_000
/** What was not seen for so long before the oldest event can be named by none that is kept. */
export const forgottenAfterMs = 24 * seenEveryMs

export type PartRow = {
  /** Made of what it says, so that every replica gives it the same one without asking. */
  readonly id: string
  /** In the order of the columns. */
  readonly values: readonly string[]
  /** Of the event with which this process stored it last, Unix time in milliseconds. */
  seenAt: number
}

/** How rows are written. */
export type PartTable = {
  readonly table: string
  /** Of a row, in the order of `toPartValues`. */
  readonly columns: readonly string[]
  /** Behind the values, in both databases. */
  readonly insertEnd: string
}

/** The rows of one table. One for each store: it knows what it has stored. */
export class AuditParts<Part extends Readonly<Record<string, string>>> implements PartTable {
  readonly table: string
  readonly columns: readonly string[]
  readonly insertEnd: string
  readonly #keys: readonly string[]
  /** Null where it was met once. */
  readonly #rows = new WeakMap<Part, PartRow | null>()
  #last: { part: Part; row: PartRow } | undefined

  constructor(table: 'audit_who' | 'audit_what', columnOf: Readonly<Record<keyof Part, string>>) {
    this.table = table
    this.#keys = Object.keys(columnOf)
    this.columns = ['id', 'seen_at', ...Object.values(columnOf)]
    this.insertEnd = `on conflict (id) do update set seen_at = excluded.seen_at where ${table}.seen_at < excluded.seen_at - ${seenEveryMs}`
  }

  find(part: Part): PartRow {
    if (this.#last?.part === part) return this.#last.row
    return this.#keep(part, this.#rows.get(part) ?? this.#toRow(part))
  }

  /** Null where it is met for the first time: most of what is said once is not said again, and a row of its own would cost more than it saves. */
  findAgain(part: Part): PartRow | null {
    if (this.#last?.part === part) return this.#last.row
    const known = this.#rows.get(part)
    if (known !== undefined) return this.#keep(part, known ?? this.#toRow(part))
    this.#rows.set(part, null)
    return null
  }

  #keep(part: Part, row: PartRow): PartRow {
    this.#last = { part, row }
    return row
  }

  #toRow(part: Part): PartRow {
    const values = this.#keys.map((key) => part[key] ?? '')
    // As JSON, so that no part can be taken for another.
    const id = hash('sha256', JSON.stringify(values), 'base64url').slice(0, 22)
    const row = { id, values, seenAt: Number.NEGATIVE_INFINITY }
    this.#rows.set(part, row)
    return row
  }
}

export function createWhoParts(): AuditParts<AuditWho> {
  return new AuditParts<AuditWho>('audit_who', whoColumnOf)
}

export function createWhatParts(): AuditParts<AuditWhat> {
  return new AuditParts<AuditWhat>('audit_what', whatColumnOf)
}

/** Rows that a batch of events names and that are to be written with it, and when they were seen. */
export class SeenParts {
  readonly #seen = new Map<PartRow, number>()

  /** @returns whether it is to be written */
  add(row: PartRow, at: number): boolean {
    if (at - row.seenAt < writtenEveryMs || this.#seen.has(row)) return false
    this.#seen.set(row, at)
    return true
  }

  /** The batch is stored. */
  stored(): void {
    for (const [row, at] of this.#seen) row.seenAt = at
  }

  /** One for each id, in the order of the ids: so replicas that write the same rows do not block each other. */
  inOrder(): [PartRow, number][] {
    const byId = new Map([...this.#seen].map((entry) => [entry[0].id, entry]))
    return [...byId.values()].toSorted(([one], [other]) => (one.id < other.id ? -1 : 1))
  }
}

export function toPartValues({ id, values }: PartRow, seenAt: number): (string | number)[] {
  return [id, seenAt, ...values]
}
