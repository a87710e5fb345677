/**
 * Stands before an AuditLog: an event comes with what its digest and its payloads are made of, and goes on complete. That is done when the
 * answer is on its way, so that no caller waits for it, and for some dozens at a time: the code that it takes is then read into the
 * processor's caches once, and not between the code of two calls, which costs half as much. Arguments are held for moments, so no more of them
 * than came in meanwhile.
 */
import type { AuditLog, AuditRecordLog } from './audit-log.ts'
import { toAuditEvent, toAuditRecord, type AuditRecord } from './audit-record.ts'
import { createHolderNaming, type Holders } from './audit-who.ts'
import { toCanonicalJson } from './canonical-json.ts'

/** What a call was given and gave, as parsed JSON; undefined where there was none, or nobody has looked into it. */
export type AuditPayload = { arguments: unknown; result: unknown }

export interface AuditRecorder {
  /** Results are asked for. */
  readonly keepsPayloads?: boolean
  /** Takes the record and returns at once. It is the log's from then on. */
  take(record: AuditRecord, payload?: AuditPayload | null): void
}

export type AuditRecorderLog = AuditLog & AuditRecorder

export type AuditRecorderDeps = {
  /** Lower-case hex SHA-256. */
  hash: (text: string) => string
  /** When events that came are completed; null: at once. */
  later: AuditLater | null
  /** Who holds tokens. */
  holders?: Holders
  /** A value as the text that is kept of it; null: none is kept. */
  redact?: ((value: unknown) => string) | null
}

export type AuditLater = {
  /** Runs a task in the next turn of the loop. */
  nextTurn: (task: () => void) => void
  after: (delayMs: number, task: () => void) => void
}

const gatheredMax = 64
const gatherMs = 5

export function createAuditRecorder(log: AuditLog | AuditRecordLog, deps: AuditRecorderDeps): AuditRecorderLog {
  const keepsPayloads = deps.redact !== undefined && deps.redact !== null
  const pass = passingTo(log, deps)
  // Results are large, and held for one turn only.
  const gathering = deps.later && createGathering(deps.later, keepsPayloads ? 1 : gatheredMax, pass)
  const take = gathering?.take ?? pass
  const drain = (): void => gathering?.drain()
  return {
    keepsPayloads,
    take,
    append: (event) => take(toAuditRecord(event)),
    flush() {
      drain()
      return log.flush()
    },
    dropped() {
      drain()
      return log.dropped()
    },
    droppedRefusals() {
      drain()
      return log.droppedRefusals()
    },
    list(query) {
      drain()
      return log.list(query)
    },
    close() {
      drain()
      return log.close()
    },
  }
}

type Take = AuditRecorder['take']

function createGathering({ nextTurn, after }: AuditLater, countMax: number, pass: Take) {
  let records: AuditRecord[] = []
  let payloads: (AuditPayload | null)[] = []
  let isAwaited = false

  function drain(): void {
    const [ready, given] = [records, payloads]
    records = []
    payloads = []
    for (const [index, record] of ready.entries()) pass(record, given[index])
  }

  function take(record: AuditRecord, payload: AuditPayload | null = null): void {
    records.push(record)
    payloads.push(payload)
    if (records.length === countMax) nextTurn(drain)
    if (isAwaited) return
    isAwaited = true
    after(gatherMs, () => {
      isAwaited = false
      drain()
    })
  }

  return { take, drain }
}

function passingTo(log: AuditLog | AuditRecordLog, deps: AuditRecorderDeps): Take {
  const nameHolder = deps.holders && createHolderNaming(deps.holders)
  return (record, payload = null) => {
    if (nameHolder) record.who = nameHolder(record.who)
    if (payload) complete(record, payload, deps)
    if ('take' in log) log.take(record)
    else log.append(toAuditEvent(record))
  }
}

function complete(
  record: AuditRecord,
  { arguments: args, result }: AuditPayload,
  { hash, redact }: AuditRecorderDeps,
): void {
  if (args !== undefined) record.argumentsDigest = orNothing(() => hash(toCanonicalJson(args)))
  if (!redact) return
  if (args !== undefined) record.arguments = orNothing(() => redact(args))
  if (result !== undefined) record.result = orNothing(() => redact(result))
}

/** A program may hand in what has no form in JSON: that must cost nobody an event. */
function orNothing(make: () => string): string {
  try {
    return make()
  } catch {
    return ''
  }
}
