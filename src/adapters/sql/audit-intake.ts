import type { AuditRecord } from '#core/audit/audit-record.ts'
import { AuditLosses, divideAuditRoom, shareOf, type AuditShare } from '#core/audit/audit-share.ts'
import { createRateBudget } from '#core/audit/rate-budget.ts'
import type { Clock } from '#core/clock.ts'
import { createAuditRing, type AuditRing } from './audit-ring.ts'

/** Who decides which events wait to be stored, and counts the others. */
export type AuditIntake = {
  readonly ring: AuditRing
  readonly losses: AuditLosses
  /** False where the event is lost. */
  take(record: AuditRecord): boolean
  /** Takes no more. */
  close(): void
  /** Tells of what was lost and not told of yet. */
  tell(): void
}

type Options = {
  ringMax: number
  clock: Pick<Clock, 'after'>
  onLost?: ((lost: { calls: number; refusals: number }) => void) | undefined
}

/** What strangers send would be stored for ever, and nobody can tell them to stop: their refusals are stored at this rate. */
const strangersRate = { burst: 1_000, perSecond: 100 }
/** A flood is told of once in a while, and not once for each event of it. */
const tellMs = 10_000

export function createAuditIntake({ ringMax, clock, onLost }: Options): AuditIntake {
  const ring = createAuditRing(divideAuditRoom(ringMax))
  const strangers = createRateBudget(strangersRate)
  const losses = new AuditLosses()
  let untold = new AuditLosses()
  let cancelTimer: (() => void) | null = null
  let isClosed = false

  function tell(): void {
    cancelTimer?.()
    cancelTimer = null
    const { calls, refusals } = untold
    untold = new AuditLosses()
    if (calls + refusals > 0) onLost?.({ calls, refusals })
  }

  function lose(share: AuditShare): void {
    losses.add(share)
    untold.add(share)
    if (onLost && !isClosed) cancelTimer ??= clock.after(tellMs, tell)
  }

  return {
    ring,
    losses,
    take(record) {
      const share = shareOf(record.what, record.who)
      const mayCome = !isClosed && (share !== 'strangers' || strangers.take(record.at))
      if (mayCome && ring.push(record, share)) return true
      lose(share)
      return false
    },
    close: () => void (isClosed = true),
    tell,
  }
}
