/** When what waits in the ring is written. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { GatewayError } from '#contract/errors.ts'
import type { Clock } from '#core/clock.ts'
import type { AuditRing } from './audit-ring.ts'
import type { AuditWriter } from './audit-writer.ts'

type Options = {
  clock: Pick<Clock, 'after'>
  flushMs: number
  batchMax: number
  /** See `SqlAuditLogOptions`. */
  onReach: ((cause: unknown, waitingCount: number) => void) | undefined
}

export type AuditPump = {
  /** Something has come. */
  schedule(): void
  /** Resolves when all that is in the ring now is stored. Rejects with `storage_unavailable`, or `internal` where the store refused some. */
  flush(): Promise<void>
  stop(): void
}

/** How long after the store could not be asked it is asked again: twice as long each time. */
const retryMs = { first: 250, max: 10_000 }

export function createAuditPump(ring: AuditRing, writer: AuditWriter, options: Options): AuditPump {
  const { clock, flushMs, batchMax, onReach } = options
  let cancelTimer: (() => void) | null = null
  let writing: Promise<void> | null = null
  /** Somebody waits until the ring has released so many. */
  let wanted = 0
  /** How long to wait before the store is asked again; 0: it could be asked the last time. */
  let waitMs = 0

  function schedule(): void {
    if (writing) return
    if (waitMs === 0 && ring.size() >= batchMax) void startWriting()
    else cancelTimer ??= clock.after(waitMs || flushMs, () => void startWriting())
  }

  function stop(): void {
    cancelTimer?.()
    cancelTimer = null
  }

  function startWriting(): Promise<void> {
    stop()
    writing ??= writeBatches().finally(() => {
      writing = null
      if (ring.size() > 0) schedule()
    })
    return writing
  }

  async function writeBatches(): Promise<void> {
    do {
      await nextTurn()
      const isAway = (await writer.writeBatch()) === 'away'
      noteReach(isAway)
      if (isAway) return
    } while (ring.size() >= batchMax || ring.released() < wanted)
  }

  function noteReach(isAway: boolean): void {
    const wasAway = waitMs > 0
    waitMs = isAway ? Math.min(waitMs * 2 || retryMs.first, retryMs.max) : 0
    if (isAway !== wasAway) onReach?.(isAway ? writer.lastFailure() : null, ring.size())
  }

  async function flush(): Promise<void> {
    const refusedBefore = writer.refusedCount()
    wanted = ring.taken()
    const target = wanted
    while (ring.released() < target) {
      await startWriting()
      if (waitMs > 0) throw new GatewayError('storage_unavailable', { cause: writer.lastFailure() })
    }
    if (writer.refusedCount() > refusedBefore) throw new GatewayError('internal', { cause: writer.lastFailure() })
  }

  return { schedule, flush, stop }
}
