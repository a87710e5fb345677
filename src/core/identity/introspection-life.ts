/** How long what an authority said of a token is good. */
import type { Introspection } from './introspection-cache.ts'

const activeMsMax = 30_000
const inactiveMs = 5_000

/** In milliseconds; 0: not at all. */
export function introspectionLifeMs(answer: Introspection, now: number): number {
  if (!answer.isActive) return inactiveMs
  return Math.max(0, Math.min(activeMsMax, (answer.expiresAt ?? Infinity) - now))
}
