/** The use cases' ports, as this process has them. */
import { createArgon2PasswordHasher } from '#adapters/crypto/password.ts'
import { randomId } from '#adapters/crypto/random-id.ts'
import { hashToken, mintToken } from '#adapters/crypto/token-mint.ts'
import type { Limits } from '#contract/limits.ts'
import { TokenRoom } from '#control/token-room.ts'
import { callsOfHistory } from '#core/audit/calls-of-history.ts'
import type { RestDeps } from '#http/rest/handlers.ts'
import type { IdempotencyDeps } from '#http/rest/idempotency.ts'
import { createChangeLog } from './change-log.ts'
import { sessionKeysOf } from './derived-keys.ts'
import type { SecretKey } from './secret-key.ts'
import type { ReplicaState, SharedState } from './shared-state.ts'
import type { State } from './state.ts'
import { systemClock } from './system-clock.ts'

export type ControlParts = Omit<RestDeps, 'agentSessions' | 'connections'> & IdempotencyDeps

type Parts = {
  state: State
  shared: ReplicaState
  secret: SecretKey
  limits: Limits
  publicUrl: string | null
}

export function createControlParts({ state, shared, secret, limits, publicUrl }: Parts): ControlParts {
  const { store, snapshot, audit, tokenUses, history, idempotency, feed } = state
  return {
    store,
    index: snapshot,
    clock: systemClock,
    newId: randomId,
    changes: createChangeLog(audit),
    publicUrl,
    announce: async (upTo) => {
      // The others look anyway, a moment later: nobody waits for them.
      void shared.bus.publish(changesTopic, { upTo })
      await feed.reach(upTo)
    },
    secrets: { mint: mintToken, hash: hashToken },
    tokenRoom: new TokenRoom({ index: snapshot, limits }),
    passwords: createArgon2PasswordHasher(),
    passwordStore: state.passwords,
    counters: shared.counters,
    keys: sessionKeysOf(secret),
    onTokenUse: (tokenId) => tokenUses.note(tokenId, systemClock.now()),
    history: callsOfHistory(history),
    audit: { history },
    idempotency,
    sealer: state.vault,
  }
}

const changesTopic = 'resources'

/** Looks at the store as soon as another replica has changed it. */
export function followChanges({ feed }: Pick<State, 'feed'>, { bus }: Pick<SharedState, 'bus'>): Disposable {
  const look = (): void => void feed.refresh()
  const end = bus.subscribe(changesTopic, { onMessage: look, onGap: look })
  return { [Symbol.dispose]: end }
}
