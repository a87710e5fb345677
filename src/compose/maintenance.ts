/** What is removed when its time is over: old audit events, keys of requests, and what was begun in browsers. One gateway of several does it at a time. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { AuditHistory } from '#core/audit/audit-history.ts'
import type { AuditRecorder } from '#core/audit/audit-recorder.ts'
import type { Clock } from '#core/clock.ts'
import type { FlowStore } from '#core/credential/flow-store.ts'
import type { Locks } from '#core/locks/locks.ts'
import type { IdempotencyStore } from '#core/resources/idempotency-store.ts'
import { recordRetention } from '#gateway/record.ts'
import { describeError, isStorageAway } from './describe-error.ts'
import { startRounds } from './rounds.ts'

export type MaintenanceDeps = {
  history: Pick<AuditHistory, 'deleteBefore'>
  audit: AuditRecorder
  idempotency: Pick<IdempotencyStore, 'deleteExpired'>
  flows: Pick<FlowStore, 'deleteForgotten'>
  locks: Locks
  clock: Clock
  log: Logger
  /** Null: audit events are kept for ever. */
  auditDays: number | null
}

const dayMs = 86_400_000
const intervalMs = 600_000
const leaseMs = 120_000
/** In one transaction: it holds up the calls of a gateway with a file. */
const rowsMax = 500

/** Begins a moment after the start, and again every ten minutes. */
export function startMaintenance(deps: MaintenanceDeps): AsyncDisposable {
  const { clock } = deps
  return startRounds({ clock, firstMs: leaseMs / 4, everyMs: intervalMs }, (goesOn) => maintain(deps, goesOn))
}

async function maintain(deps: MaintenanceDeps, isOpen: () => boolean): Promise<void> {
  const { history, audit, idempotency, flows, locks, clock, log, auditDays } = deps
  try {
    const lock = await locks.tryLock('maintenance', leaseMs)
    if (!lock) return
    const goesOn = (): boolean => isOpen() && clock.now() < lock.heldUntil
    const now = clock.now()
    await whileFull(() => idempotency.deleteExpired(now, rowsMax), goesOn)
    await whileFull(() => flows.deleteForgotten(now, rowsMax), goesOn)
    const before = auditDays === null ? null : now - auditDays * dayMs
    const removed = before === null ? 0 : await whileFull(() => history.deleteBefore(before, rowsMax), goesOn)
    if (before !== null && removed > 0) {
      recordRetention(audit, { at: clock.now(), removed, before })
      log.info({ removed, olderThanDays: auditDays }, 'old audit events were removed')
    }
    await lock.release()
  } catch (error) {
    if (!isStorageAway(error)) log.error({ err: describeError(error) }, 'old records could not be removed')
  }
}

/** A part at a time, with calls in between. */
async function whileFull(remove: () => Promise<number>, goesOn: () => boolean): Promise<number> {
  let total = 0
  let count: number
  do {
    count = await remove()
    total += count
    await nextTurn()
  } while (count === rowsMax && goesOn())
  return total
}
