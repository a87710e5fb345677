/** Lets so many through at once, and so many a second in the long run. */
export type RateBudget = {
  /** @param at Unix time in milliseconds; a time before the last one is taken for the last one */
  take(at: number): boolean
}

export function createRateBudget({ burst, perSecond }: { burst: number; perSecond: number }): RateBudget {
  let left = burst
  let filledAt = -Infinity
  return {
    take(at) {
      if (at > filledAt) {
        left = Math.min(burst, left + ((at - filledAt) / 1_000) * perSecond)
        filledAt = at
      }
      if (left < 1) return false
      left--
      return true
    },
  }
}
