/** Takes a data key that another process has made before it is needed: while who holds the master key can be asked. */
import type { Logger } from 'pino'
import { toGatewayError } from '#contract/errors.ts'
import type { Clock } from '#core/clock.ts'
import type { KeyRing } from '#core/vault/key-ring.ts'
import { describeError, isStorageAway } from './describe-error.ts'
import { startRounds } from './rounds.ts'

export type KeyFollowing = { clock: Clock; log: Logger }

const intervalMs = 15_000

export function followKeys(ring: Pick<KeyRing, 'reload'>, { clock, log }: KeyFollowing): AsyncDisposable {
  let isTold = false
  return startRounds({ clock, everyMs: intervalMs }, async () => {
    try {
      await ring.reload()
      isTold = false
    } catch (error) {
      if (isTold || isStorageAway(error)) return
      isTold = true
      const { code, details } = toGatewayError(error)
      log.error(
        { code, details, err: describeError(error) },
        'there is a new data key, and it cannot be had; what is known opens on',
      )
    }
  })
}
