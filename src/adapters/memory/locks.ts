/** Locks within one process. */
import type { Clock } from '#core/clock.ts'
import type { HeldLock, Locks } from '#core/locks/locks.ts'
import { ExpiringMap } from './expiring-map.ts'

export function createMemoryLocks({ clock }: { clock: Pick<Clock, 'now'> }): Locks {
  /** By name, the fence of who has it. */
  const held = new ExpiringMap<number>({ now: () => clock.now() })
  let lastFence = 0
  return {
    async tryLock(name, ttlMs) {
      if (held.get(name) !== undefined) return null
      const now = clock.now()
      // Of the time, so that a fence that was written down before a restart is below all that come after it.
      const fence = (lastFence = Math.max(lastFence + 1, now * 1_000))
      const isHeld = (): boolean => held.get(name) === fence
      const lock = {
        name,
        fence,
        heldUntil: now + ttlMs,
        async renew(moreMs) {
          if (!isHeld()) return false
          lock.heldUntil = clock.now() + moreMs
          held.set(name, fence, lock.heldUntil)
          return true
        },
        async release() {
          if (isHeld()) held.delete(name)
        },
      } satisfies HeldLock
      held.set(name, fence, lock.heldUntil)
      return lock
    },
  }
}
