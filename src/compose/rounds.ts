/** What is done again and again beside calls: one round at a time, and the next one so long after the last has ended. */
import type { Clock } from '#core/clock.ts'

export type RoundTimes = { clock: Pick<Clock, 'after'>; everyMs: number; /** Default: `everyMs`. */ firstMs?: number }

/**
 * Disposed of, it begins none any more, and waits for the one that is under way.
 * @param round never rejects. `goesOn` false: somebody waits for its end
 */
export function startRounds(
  { clock, everyMs, firstMs = everyMs }: RoundTimes,
  round: (goesOn: () => boolean) => Promise<void>,
): AsyncDisposable {
  let running = Promise.resolve()
  let cancel: () => void
  let isClosed = false
  const later = (delayMs: number): void => {
    cancel = clock.after(delayMs, () => {
      running = round(() => !isClosed).then(() => {
        if (!isClosed) later(everyMs)
      })
    })
  }
  later(firstMs)
  return {
    async [Symbol.asyncDispose]() {
      isClosed = true
      cancel()
      await running
    },
  }
}
