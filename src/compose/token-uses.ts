/** When each token was used last, for whoever looks at it: taken from what is recorded, and stored a few seconds later. */
import type { Logger } from 'pino'
import type { AuditRecordLog } from '#core/audit/audit-log.ts'
import type { Clock } from '#core/clock.ts'
import { TokenUses } from '#core/identity/token-uses.ts'
import type { ResourceStore } from '#core/resources/resource-store.ts'
import { describeError, isStorageAway } from './describe-error.ts'
import { startRounds } from './rounds.ts'

type Deps = { store: Pick<ResourceStore, 'touchTokens'>; clock: Clock; log: Logger }

export type NotedUses = AsyncDisposable & {
  uses: Pick<TokenUses, 'note'>
  /** The same log, whose events are uses of the tokens that they name. */
  noting(audit: AuditRecordLog): AuditRecordLog
}

const spacingMs = 60_000
const lookMs = 2_000

/** Disposed of before the store is, and after all that is recorded. */
export function noteTokenUses({ store, clock, log }: Deps): NotedUses {
  const uses = new TokenUses(spacingMs)
  const write = async (due: ReadonlyMap<string, number>): Promise<void> => {
    if (due.size === 0) return
    try {
      await store.touchTokens(due)
      uses.stored(due, clock.now())
    } catch (error) {
      // Tried again with the next look: what is newest is what counts.
      if (!isStorageAway(error)) log.error({ err: describeError(error) }, 'last uses of tokens could not be stored')
    }
  }
  const looks = startRounds({ clock, everyMs: lookMs }, () => write(uses.due(clock.now())))
  return {
    uses,
    noting: (audit) => ({
      ...audit,
      append(event) {
        uses.note(event.tokenId, event.at)
        audit.append(event)
      },
      take(record) {
        uses.note(record.who.tokenId, record.at)
        audit.take(record)
      },
    }),
    async [Symbol.asyncDispose]() {
      await looks[Symbol.asyncDispose]()
      await write(uses.rest())
    },
  }
}
