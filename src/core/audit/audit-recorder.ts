/**
 * Stands before an AuditLog: an event comes with what its digest and its payloads are made of, and goes on complete. That is done when the
 * answer is on its way, so that no caller waits for it, and for some dozens at a time: the code that it takes is then read into the
 * processor's caches once, and not between the code of two calls, which costs half as much. Arguments are held for moments, so no more of them
 * than came in meanwhile.
 */
import type { AuditEvent } from './audit-event.ts'
import type { AuditLog } from './audit-log.ts'
import { nameHolder, type Holders } from './audit-who.ts'
import { toCanonicalJson } from './canonical-json.ts'
import { redactName } from './redaction.ts'

/** What a call was given and gave, as parsed JSON; undefined where there was none, or nobody has looked into it. */
export type AuditPayload = { arguments: unknown; result: unknown }

export interface AuditRecorder {
  /** Results are asked for. */
  readonly keepsPayloads?: boolean
  /** Takes the event and returns at once. The event is the log's from then on. */
  append(event: AuditEvent, payload?: AuditPayload | null): void
}

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
const gatherMs = 25

export function createAuditRecorder(log: AuditLog, deps: AuditRecorderDeps): AuditLog & AuditRecorder {
  const { later } = deps
  const keepsPayloads = deps.redact !== undefined && deps.redact !== null
  // Results are large, and held for one turn only.
  const countMax = keepsPayloads ? 1 : gatheredMax
  let waiting: { event: AuditEvent; payload: AuditPayload | null }[] = []
  let isAwaited = false

  function gather(count: number, { nextTurn, after }: AuditLater): void {
    if (count === countMax) nextTurn(drain)
    if (isAwaited) return
    isAwaited = true
    after(gatherMs, () => {
      isAwaited = false
      drain()
    })
  }

  function drain(): void {
    const ready = waiting
    waiting = []
    for (const { event, payload } of ready) pass(event, payload)
  }

  function pass(event: AuditEvent, payload: AuditPayload | null): void {
    complete(event, payload, deps)
    log.append(event)
  }

  return {
    keepsPayloads,
    append(event: AuditEvent, payload: AuditPayload | null = null) {
      if (later) gather(waiting.push({ event, payload }), later)
      else pass(event, payload)
    },
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

function complete(event: AuditEvent, payload: AuditPayload | null, deps: AuditRecorderDeps): void {
  const { hash, holders, redact } = deps
  if (holders) nameHolder(event, holders)
  redactNames(event)
  if (payload === null) return
  const { arguments: args, result } = payload
  if (args !== undefined) event.argumentsDigest = orNothing(() => hash(toCanonicalJson(args)))
  if (!redact) return
  if (args !== undefined) event.arguments = orNothing(() => redact(args))
  if (result !== undefined) event.result = orNothing(() => redact(result))
}

/** Callers choose them, and some put a secret where a name belongs. */
function redactNames(event: AuditEvent): void {
  event.method = redactName(event.method)
  event.target = redactName(event.target)
  event.calledAs = redactName(event.calledAs)
  // Of a call it is of our own making.
  if (event.kind !== 'call') event.endpoint = redactName(event.endpoint)
}

/** A program may hand in what has no form in JSON: that must cost nobody an event. */
function orNothing(make: () => string): string {
  try {
    return make()
  } catch {
    return ''
  }
}
