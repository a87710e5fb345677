/** Looks after what owners have given, so that calls find it good: renews grants before they end, and tells in time of those that will end. */
import type { Clock } from '#core/clock.ts'
import type { HeldLock, Locks } from '#core/locks/locks.ts'
import { BackOff } from './back-off.ts'
import type { CredentialEntry } from './credential-book.ts'
import { moveCredential, type MoveDeps } from './credential-moves.ts'
import { reasonOf } from './credential-refusals.ts'
import { goodUntil, isGrant, isUsable } from './grant-life.ts'
import type { GrantKeeper } from './grant-keeper.ts'
import type { GrantPlan } from './grant-plan.ts'
import { toAttention, toExpiring } from './state-steps.ts'
import type { CredentialOwner, StoredCredential } from './stored-credential.ts'

export type GrantTenderDeps = MoveDeps & {
  clock: Clock
  keeper: Pick<GrantKeeper, 'renew'>
  locks: Locks
  /** Null: the server is not served now, or its credential is no account. */
  planOf: (serverId: string, owner: CredentialOwner) => GrantPlan | null
}

/** One replica at a time. A round ends before its lock does. */
const lockName = 'tend-grants'
const lockMs = 90_000
const roundMsMax = 30_000
const renewedAtOnce = 4

const dayMs = 86_400_000
/** How long before calls would renew it. */
const leadMsMax = 120_000
const leadShare = 0.1
/** A person who has not come back by then does not (a flow lives for ten minutes). */
const connectingMsMax = 900_000
/** One that cannot be renewed does not hold up the others. */
const delays = { msMin: 60_000, msMax: 3_600_000 }

type Due = 'renew' | 'expiring' | 'ended' | 'abandoned'

export class GrantTender {
  readonly #deps: GrantTenderDeps
  readonly #backOff: BackOff

  constructor(deps: GrantTenderDeps) {
    this.#deps = deps
    this.#backOff = new BackOff(deps.clock, delays)
  }

  /**
   * One round, to be called about every half minute by every replica. What fails is tried in a later one.
   * @throws GatewayError `storage_unavailable`: nobody knows whose turn it is
   */
  async tend(): Promise<void> {
    const lock = await this.#deps.locks.tryLock(lockName, lockMs)
    if (!lock) return
    try {
      await this.#tendHeld(lock)
    } finally {
      await lock.release()
    }
  }

  async #tendHeld({ heldUntil }: HeldLock): Promise<void> {
    const { book, clock } = this.#deps
    const now = clock.now()
    const endsAt = Math.min(heldUntil, now + roundMsMax)
    const due = [...book.all()].filter(({ credential, name }) => dueOf(credential, now) && !this.#backOff.find(name))
    // What ends first comes first.
    const queue = due.toSorted((one, other) => endOfEntry(one) - endOfEntry(other)).values()
    const work = async (): Promise<void> => {
      for (const entry of queue) {
        if (clock.now() >= endsAt) return
        await this.#tendOne(entry)
      }
    }
    await Promise.all(Array.from({ length: renewedAtOnce }, work))
  }

  async #tendOne({ name, credential }: CredentialEntry): Promise<void> {
    const { clock } = this.#deps
    const plan = this.#deps.planOf(credential.server, credential.owner)
    // Nothing is connected there: its owner gives texts, in its own time.
    if (!plan) return
    try {
      if (dueOf(credential, clock.now()) === 'renew') await this.#renew(plan, credential)
      else await moveCredential(this.#deps, name, (latest) => toNext(latest, clock.now()))
      this.#backOff.succeed(name)
    } catch (error) {
      // What its owner must know is in its state; whoever calls meanwhile is told as well.
      this.#backOff.fail(name, reasonOf(error))
    }
  }

  async #renew(plan: GrantPlan, credential: StoredCredential): Promise<void> {
    if (isGrant(credential)) await this.#deps.keeper.renew(plan, credential.secret.accessToken)
  }
}

function dueOf(credential: StoredCredential, now: number): Due | null {
  const { state, stateAt } = credential
  if (state === 'connecting') return now - stateAt >= connectingMsMax ? 'abandoned' : null
  if (!isGrant(credential) || !isUsable(credential) || credential.secret.expiresAt === null) return null
  const { expiresAt, refreshToken } = credential.secret
  const lifeMs = expiresAt - stateAt
  if (refreshToken !== null)
    return now >= goodUntil(credential) - Math.min(leadMsMax, lifeMs * leadShare) ? 'renew' : null
  if (now >= expiresAt) return 'ended'
  return state === 'connected' && now >= expiresAt - Math.min(dayMs, lifeMs * leadShare) ? 'expiring' : null
}

/** As it is by now: its owner, or another replica, may have come first. */
function toNext(credential: StoredCredential, now: number): StoredCredential | null {
  switch (dueOf(credential, now)) {
    case 'expiring':
      return toExpiring(credential, now)
    case 'ended':
      return toAttention(credential, 'cannot_be_renewed', now)
    case 'abandoned':
      return toAttention(credential, 'abandoned', now)
    default:
      return null
  }
}

function endOfEntry({ credential }: CredentialEntry): number {
  return isGrant(credential) ? goodUntil(credential) : Infinity
}
