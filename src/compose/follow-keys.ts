/** Takes a data key that another process has made before it is needed: while who holds the master key can be asked. */
import type { Logger } from 'pino'
import { toGatewayError } from '#contract/errors.ts'
import type { Clock } from '#core/clock.ts'
import type { KeyRing } from '#core/vault/key-ring.ts'
import { describeError } from './describe-error.ts'

export type KeyFollowing = { clock: Clock; log: Logger }

const intervalMs = 15_000

export function followKeys(ring: Pick<KeyRing, 'reload'>, { clock, log }: KeyFollowing): AsyncDisposable {
  let looking = Promise.resolve()
  let cancel: () => void
  let isClosed = false
  let isTold = false
  const look = async (): Promise<void> => {
    try {
      await ring.reload()
      isTold = false
    } catch (error) {
      // That the database is away is told by who follows what is stored.
      const failure = toGatewayError(error)
      if (isTold || failure.code === 'storage_unavailable') return
      isTold = true
      const { code, details } = failure
      log.error(
        { code, details, err: describeError(error) },
        'there is a new data key, and it cannot be had; what is known opens on',
      )
    }
  }
  const later = (): void => {
    cancel = clock.after(intervalMs, () => {
      looking = look().then(() => {
        if (!isClosed) later()
      })
    })
  }
  later()
  return {
    async [Symbol.asyncDispose]() {
      isClosed = true
      cancel()
      await looking
    },
  }
}
