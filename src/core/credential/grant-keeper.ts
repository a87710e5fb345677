/**
 * Keeps OAuth grants good that owners have given. A renewal can end the refresh token of before (RFC 9700 §4.14.2), so that two who renew one
 * grant at the same time would lose it. Who renews first writes that it does, over the very version that it has seen; who is too late for that
 * waits, and uses what comes of it.
 */
import { GatewayError } from '#contract/errors.ts'
import type { Clock } from '#core/clock.ts'
import { SharedAsks } from '#core/shared-asks.ts'
import { BackOff } from './back-off.ts'
import type { CredentialEntry } from './credential-book.ts'
import { moveCredential, writeCredential } from './credential-moves.ts'
import { nameOfCredential } from './credential-name.ts'
import { credentialUnavailable, reasonOf } from './credential-refusals.ts'
import { endOf, goodUntil, isGrant, isUsable, type GrantCredential } from './grant-life.ts'
import type { GrantPlan, KeptGrant } from './grant-plan.ts'
import { claimMs, GrantRenewal, type RenewalDeps } from './grant-renewal.ts'
import { toAttention, toClaimed, toMoreScopes, toUnclaimed } from './state-steps.ts'
import type { StateReason, StoredCredential } from './stored-credential.ts'

/** How long somebody waits for others who renew the same grant. */
const waitMsMax = 45_000
const pollMsMin = 10
const pollMsMax = 500

/** What one look at the store leads to. `taken`: somebody else is at it. `changed`: what is stored is not what it was. */
type Outcome = GrantCredential | 'taken' | 'changed'

type Ask = {
  plan: GrantPlan
  name: string
  /** The access token that was refused, if one was. */
  used: string | null
}

export class GrantKeeper {
  readonly #deps: RenewalDeps
  readonly #renewal: GrantRenewal
  readonly #asks = new SharedAsks<KeptGrant>()
  readonly #backOff: BackOff

  constructor(deps: RenewalDeps) {
    this.#deps = deps
    this.#renewal = new GrantRenewal(deps)
    this.#backOff = new BackOff(deps.clock)
  }

  /**
   * A grant that is good now, at once where there is one.
   * @throws GatewayError, or rejects with it: the plan's refusal, `credential_unavailable`
   */
  current(plan: GrantPlan): KeptGrant | Promise<KeptGrant> {
    const name = nameOfCredential(plan.serverId, plan.owner)
    const known = usable(plan, this.#deps.book.find(name)?.credential)
    const credential = this.#renewal.findUnsaved(name, known) ?? known
    const until = goodUntil(credential)
    if (this.#deps.clock.now() < until) return { grant: credential.secret, goodUntil: until }
    const failure = this.#backOff.find(name)
    return failure ? this.#whileFailing(plan, credential, failure) : this.renew(plan, null)
  }

  /**
   * A grant with another access token than the one that was refused. Who asks while it is renewed gets the same one.
   * @param used the access token that was refused; null: whichever is good is
   */
  async renew(plan: GrantPlan, used: string | null): Promise<KeptGrant> {
    const ask = { plan, name: nameOfCredential(plan.serverId, plan.owner), used }
    if (used !== null) this.#checkRest(ask)
    const kept = await this.#asks.run(ask.name, () => this.#renew(ask))
    // An answer that is shared may be older than the refusal.
    return kept.grant.accessToken === used ? this.#asks.run(ask.name, () => this.#renew(ask)) : kept
  }

  /** Who is refused again and again does not ask the authorization server each time, while that fails. */
  #checkRest({ plan, name, used }: Ask): void {
    const known = this.#deps.book.find(name)?.credential
    const isOther = known !== undefined && isGrant(known) && known.secret.accessToken !== used
    const failure = isOther ? undefined : this.#backOff.find(name)
    if (failure) throw credentialUnavailable(plan.serverName, failure.reason)
  }

  /** The server refuses this token, and its renewal as well: nothing of it goes out until its owner has done something. */
  async refuse(plan: GrantPlan, used: string): Promise<void> {
    await this.#move(plan, (credential, now) =>
      isGrant(credential) && credential.secret.accessToken === used
        ? toAttention(credential, 'refused_by_server', now)
        : null,
    )
  }

  /** The server wants scopes that were not granted. */
  async wantScopes(plan: GrantPlan, scopes: readonly string[]): Promise<void> {
    await this.#move(plan, (credential, now) => {
      const wanted = credential.scopesWanted ?? []
      const isTold = credential.reason === 'more_scopes_needed' && scopes.every((scope) => wanted.includes(scope))
      return isTold || !isUsable(credential) ? null : toMoreScopes(credential, scopes, now)
    })
  }

  async #move(
    { serverId, owner, serverName }: GrantPlan,
    step: (credential: StoredCredential, now: number) => StoredCredential | null,
  ): Promise<void> {
    const { clock } = this.#deps
    try {
      await moveCredential(this.#deps, nameOfCredential(serverId, owner), (one) => step(one, clock.now()))
    } catch (error) {
      throw credentialUnavailable(serverName, reasonOf(error))
    }
  }

  async #renew(ask: Ask): Promise<KeptGrant> {
    const { plan, name, used } = ask
    try {
      const credential = await this.#settle(ask)
      this.#backOff.succeed(name)
      return { grant: credential.secret, goodUntil: goodUntil(credential) }
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'credential_required') throw error
      const failure = this.#backOff.fail(name, reasonOf(error))
      const known = this.#deps.book.find(name)?.credential
      if (used === null && known && isGrant(known)) return this.#whileFailing(plan, known, failure)
      throw credentialUnavailable(plan.serverName, failure.reason)
    }
  }

  /** A token that should be renewed and cannot be now is good until it ends. */
  #whileFailing(plan: GrantPlan, { secret }: GrantCredential, failure: { retryAt: number; reason: string }): KeptGrant {
    const end = endOf(secret)
    if (this.#deps.clock.now() >= end) throw credentialUnavailable(plan.serverName, failure.reason)
    return { grant: secret, goodUntil: Math.min(end, failure.retryAt) }
  }

  async #settle(ask: Ask): Promise<GrantCredential> {
    const { clock } = this.#deps
    const endsAt = clock.now() + waitMsMax
    for (let delayMs = pollMsMin; clock.now() < endsAt;) {
      const outcome = await this.#look(ask)
      if (typeof outcome === 'object') return outcome
      if (outcome === 'changed') continue
      await sleep(clock, delayMs)
      delayMs = Math.min(pollMsMax, delayMs * 2)
    }
    throw credentialUnavailable(ask.plan.serverName, 'timeout')
  }

  async #look(ask: Ask): Promise<Outcome> {
    const { plan, name, used } = ask
    const { book, clock } = this.#deps
    const unsaved = this.#renewal.findUnsaved(name, book.find(name)?.credential)
    if (unsaved && unsaved.secret.accessToken !== used) return unsaved
    const seen = await book.latest(name)
    if (!seen) throw plan.refusal('missing', null)
    const credential = usable(plan, seen.credential)
    const now = clock.now()
    if (credential.secret.accessToken !== used && now < goodUntil(credential)) return credential
    if (credential.secret.refreshToken === null)
      return this.#end(plan, seen, used === null ? 'cannot_be_renewed' : 'refused_by_server')
    if (credential.renewingUntil !== null && now < credential.renewingUntil) return 'taken'
    const claim = await book.write(toClaimed(credential, now + claimMs), seen)
    return claim ? this.#renewClaimed(ask, claim, credential) : 'changed'
  }

  async #renewClaimed(ask: Ask, claim: CredentialEntry, { secret }: GrantCredential): Promise<Outcome> {
    try {
      return (await this.#renewal.run(ask.plan, claim, secret)) ?? 'changed'
    } catch (error) {
      const { book } = this.#deps
      if (reasonOf(error) !== 'invalid_grant') {
        await book.write(toUnclaimed(claim.credential), claim).catch(() => null)
        throw error
      }
      // Somebody who took this for abandoned may have renewed it meanwhile.
      const latest = await book.latest(ask.name)
      return latest?.version === claim.version ? this.#end(ask.plan, latest, 'grant_ended') : 'changed'
    }
  }

  async #end(plan: GrantPlan, seen: CredentialEntry, reason: StateReason): Promise<'changed'> {
    const next = toAttention(seen.credential, reason, this.#deps.clock.now())
    if (!(await writeCredential(this.#deps, next, seen))) return 'changed'
    throw plan.refusal('needs_attention', reason)
  }
}

/** @throws GatewayError the plan's refusal */
function usable(plan: GrantPlan, credential: StoredCredential | undefined): GrantCredential {
  if (!credential) throw plan.refusal('missing', null)
  if (!isGrant(credential)) {
    const isGiven = credential.state !== 'connected' && credential.state !== 'expiring'
    throw isGiven ? plan.refusal(credential.state, credential.reason) : plan.refusal('missing', null)
  }
  if (!isUsable(credential)) throw plan.refusal(credential.state, credential.reason)
  // It was given for what the definition said before.
  if (!plan.fits(credential.secret, credential)) throw plan.refusal('missing', null)
  return credential
}

function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve)
  })
}
