/** Credentials that owners have given, or that are got anew again and again: one lease an owner, looked at for each call. */
import type { ServedServer } from '#contract/server.ts'
import { BackOff } from '#core/credential/back-off.ts'
import { parseChallenge } from '#core/credential/challenge.ts'
import type { CredentialBook } from '#core/credential/credential-book.ts'
import { nameOfCredential } from '#core/credential/credential-name.ts'
import { givenFor } from '#core/credential/given-for.ts'
import type { CredentialHolder, Lease, ServerCredential, UpstreamRefusal } from '#core/credential/lease.ts'
import type { CredentialOwner } from '#core/credential/stored-credential.ts'
import type { CredentialDeps } from './credential-deps.ts'
import { urlOf } from './grant-plans.ts'
import { LeaseBook } from './lease-book.ts'
import { OwnerLease, type LeaseHolder } from './owner-lease.ts'
import { refusals, type Refusals } from './refusals.ts'
import type { FilledRequest, RequestShape } from './request-shape.ts'
import type { Presented, Scheme } from './scheme.ts'
import { TeamChoice } from './team-choice.ts'

type Deps = Pick<CredentialDeps, 'clock' | 'index' | 'connectUrl' | 'hash'> & { book: CredentialBook }

type Parts = { server: ServedServer; ownerKind: CredentialOwner['kind']; scheme: Scheme; shape: RequestShape }

/** Who refuses even what was just got for its refusal gets that for a while, and nobody is asked for another. */
const restMs = 15_000

/** A gateway's credential that goes out with a user's variables belongs to that user. */
const gatewayOwner: CredentialOwner = { kind: 'gateway', ref: '' }

export class OwnedCredential implements ServerCredential {
  readonly #parts: Parts
  readonly #deps: Deps
  readonly #refuse: Refusals
  readonly #leases = new LeaseBook()
  readonly #teams: TeamChoice
  /** What was got for a refusal. */
  readonly #fresh: BackOff

  constructor(parts: Parts, deps: Deps) {
    this.#parts = parts
    this.#deps = deps
    this.#refuse = refusals(parts.server, deps)
    this.#teams = new TeamChoice(parts.server.id, deps)
    this.#fresh = new BackOff(deps.clock, { msMin: restMs, msMax: restMs })
  }

  ownerOf(holder: CredentialHolder): string {
    return this.#keyOf(holder, this.#stamp) ?? ''
  }

  lease(holder: CredentialHolder): Lease | Promise<Lease> {
    const stamp = this.#stamp
    const key = this.#keyOf(holder, stamp)
    if (key === null) throw this.#refuse.ownerRequired()
    const known = this.#leases.find(key)
    if (known?.stamp === stamp && this.#deps.clock.now() < known.goodUntil) return known
    return this.#renew(known ?? this.#leases.open(this.#toLeaseHolder(holder, key)), stamp)
  }

  async rejected(lease: Lease, refusal: UpstreamRefusal): Promise<Lease> {
    if (!(lease instanceof OwnerLease)) throw this.#refuse.authFailed(refusal.status)
    const stamp = this.#stamp
    // What is known by now may be newer than what was sent.
    const current = lease.stamp === stamp ? lease : await this.#renew(lease, stamp)
    const used = current === lease ? lease.presentedWith(refusal.sent) : null
    if (!used && !refusal.isLast) return current === lease ? this.#renew(lease, stamp) : current
    const freshKey = ({ text }: Presented): string => this.#deps.hash(`${lease.owner} ${text}`)
    if (used && isAboutToken(refusal) && this.#fresh.find(freshKey(used))) throw this.#refuse.authFailed(refusal.status)
    const presented = await this.#parts.scheme.refused(lease.holder.owner, used, refusal)
    if (used && !this.#parts.scheme.isAccount) this.#fresh.fail(freshKey(presented), 'refused_by_server')
    return this.#take(lease, presented, { filled: this.#fill(lease.holder), stamp })
  }

  /** Rises with whatever could give another answer. */
  get #stamp(): number {
    const { book, index } = this.#deps
    return book.version + index.versionOf('team') + index.versionOf('user')
  }

  /** Null: this credential can be nobody's who calls. */
  #keyOf({ userId, teamId }: CredentialHolder, stamp: number): string | null {
    const { ownerKind, shape } = this.#parts
    if (ownerKind === 'user') return userId
    const team = ownerKind === 'team' ? (teamId ?? (userId === null ? null : this.#teams.of(userId, stamp))) : ''
    if (!shape.isUsers || team === null) return team
    if (userId === null) return shape.needsUser ? null : team
    return team === '' ? userId : `${team} ${userId}`
  }

  #toLeaseHolder({ userId }: CredentialHolder, key: string): LeaseHolder {
    const { ownerKind } = this.#parts
    if (ownerKind === 'gateway') return { key, owner: gatewayOwner, userId }
    const [ref = ''] = key.split(' ', 1)
    return { key, owner: { kind: ownerKind, ref }, userId }
  }

  #renew(lease: OwnerLease, stamp: number): Lease | Promise<Lease> {
    const { holder } = lease
    this.#checkIsThere(holder)
    const filled = this.#fill(holder)
    const presented = this.#parts.scheme.present(holder.owner)
    return presented instanceof Promise
      ? presented.then((one) => this.#take(lease, one, { filled, stamp }))
      : this.#take(lease, presented, { filled, stamp })
  }

  #take(asked: OwnerLease, presented: Presented, { filled, stamp }: { filled: FilledRequest; stamp: number }): Lease {
    const known = this.#leases.find(asked.owner) ?? asked
    const lease = known.isFor(presented, filled) ? known : this.#leases.open(asked.holder)
    lease.take(presented, filled, this.#parts.shape.hasVariablePath)
    lease.stamp = stamp
    return lease
  }

  /** What belongs to a user who may not do anything any more does nothing, whoever calls in its name. */
  #checkIsThere({ userId, owner }: LeaseHolder): void {
    const needed = this.#parts.shape.isUsers || owner.kind === 'user' ? userId : null
    if (needed === null) return
    const user = this.#deps.index.get('user', needed)
    if (!user || user.spec.isDisabled) throw this.#refuse.ownerRequired()
  }

  #fill({ userId }: LeaseHolder): FilledRequest {
    const { shape, server } = this.#parts
    const owner: CredentialOwner = userId === null ? gatewayOwner : { kind: 'user', ref: userId }
    const isOwn = shape.isUsers && userId !== null
    const entry = isOwn ? this.#deps.book.find(nameOfCredential(server.id, owner)) : undefined
    const filled = shape.with(givenFor(urlOf(server), entry?.credential)?.variables ?? {})
    if (!('missing' in filled)) return filled
    throw this.#refuse.variablesRequired(owner, filled.missing)
  }
}

/** Another token would do: a refusal that names scopes is about what its owner has agreed to. */
function isAboutToken({ isLast, challenge }: UpstreamRefusal): boolean {
  return !isLast && parseChallenge(challenge)?.error !== 'insufficient_scope'
}
