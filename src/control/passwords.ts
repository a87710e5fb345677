import { GatewayError } from '#contract/errors.ts'
import { invalidBody, parseBody } from '#contract/parse-body.ts'
import { SetPassword } from '#contract/resource-body.ts'
import type { PasswordHasher } from '#core/identity/password-hasher.ts'
import type { PasswordStore } from '#core/identity/password-store.ts'
import { chargeRates } from '#core/limits/charge-rates.ts'
import type { Counters } from '#core/limits/counters.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { type Actor, nobodyActor, type Caller } from './actor.ts'
import { commit } from './commit.ts'
import type { ControlDeps } from './control-deps.ts'
import { findResource } from './find-resource.ts'
import { getFor } from './get-resource.ts'
import { recorded } from './recorded.ts'
import { requirePerson } from './token-rules.ts'
import { requireChangeable } from './update-resource.ts'
import { checkMayBecome } from './user-rules.ts'

export type PasswordDeps = ControlDeps & {
  passwords: PasswordHasher
  passwordStore: PasswordStore
  counters: Counters
}

/**
 * Gives a user a new password; sign-ins from before are over. Who changes its own says the one until now; others need the right to edit the
 * user, and all the rights that the user has, for whoever sets a password can sign in with it.
 *
 * @param body see `SetPassword`
 * @throws GatewayError `person_required`, `no_such_resource`, `forbidden`, `read_only`, `invalid_body`, `unauthorized` (the current password is
 *   not right), `rate_limited`, `version_conflict`, `storage_unavailable`
 */
export async function setPassword(
  deps: PasswordDeps,
  caller: Caller,
  { ref, body }: { ref: string; body: unknown },
): Promise<void> {
  const { actor } = caller
  return recorded(deps, { caller, action: 'set_password', kind: 'user', name: ref }, async (note) => {
    requirePerson(actor)
    const seen = await getFor(deps, actor, { kind: 'user', ref, role: 'view' })
    note.id = seen.id
    note.name = seen.name
    const isOwn = actor.user?.id === seen.id
    const user = isOwn ? seen : await getFor(deps, actor, { kind: 'user', ref: seen.id, role: 'edit' })
    requireChangeable(user, null)
    checkMayBecome(deps, actor, user)
    const { password, current } = parseBody(SetPassword, body)
    if (user.spec.type === 'service') throw invalidBody([{ path: '', problem: 'a service has no password' }])
    if (isOwn) await requireCurrent(deps, user, { current, address: '' })
    await storePassword(deps, actor, { user, password })
  })
}

/** Whether it may be set is another question. */
export async function storePassword(
  deps: Omit<PasswordDeps, 'counters'>,
  { id }: Actor,
  { user, password }: { user: Resource<'user'>; password: string },
): Promise<void> {
  const phc = await deps.passwords.hash(password)
  const setAt = deps.clock.now()
  const resource = { ...user, updatedAt: setAt, updatedBy: id, spec: { ...user.spec, passwordSetAt: setAt } }
  await commit(deps, [{ do: 'update', resource, password: { phc, setAt } }])
}

async function requireCurrent(
  deps: PasswordDeps,
  user: Resource<'user'>,
  { current, address }: { current: string | undefined; address: string },
): Promise<void> {
  const phc = await hashOf(deps, user)
  if (phc === null) return
  if (current === undefined) throw invalidBody([{ path: 'current', problem: 'is required' }])
  await chargeAttempt(deps, { name: user.name, address })
  if (!(await deps.passwords.verify(current, phc))) throw new GatewayError('unauthorized')
}

const passwordCharsMax = 256

type SignInAttempt = { name: string; password: string; address: string } & Pick<Caller, 'requestId'> &
  Partial<Pick<Caller, 'changedBy'>>

/**
 * The user whose name and password these are, as it was before the password was looked at. Every other case is one and the same failure,
 * after the same time: no such user, another password, a service, a disabled user.
 *
 * @param address of the client: attempts are counted for it, for it and the name, and for the name from everywhere
 * @throws GatewayError `unauthorized`, `rate_limited` with `retryAfterMs`, `storage_unavailable`
 */
export async function signIn(
  deps: PasswordDeps,
  { name, password, address, requestId, changedBy = '' }: SignInAttempt,
): Promise<Resource<'user'>> {
  const caller: Caller = { actor: nobodyActor, requestId, changedBy }
  // Some type the password where the name belongs: what is no user's name is not recorded.
  return recorded(deps, { caller, action: 'sign_in', kind: 'user', name: '' }, async (note) => {
    if (password.length > passwordCharsMax) throw signInRefused()
    await chargeAddress(deps, address)
    const user = await findResource(deps, 'user', name)
    // By its id it is no other user than by its name.
    await chargeAttempt(deps, { name: user?.name ?? name, address })
    if (user) {
      note.id = user.id
      note.name = user.name
    }
    const phc = user && (await hashOf(deps, user))
    if (!(await deps.passwords.verify(password, phc)) || !user) throw signInRefused()
    return user
  })
}

const signInRefused = (): GatewayError =>
  new GatewayError('unauthorized', { details: { reason: 'no such name with this password' } })

/** Null where nobody can sign in with a password as this user. */
async function hashOf(
  { passwordStore }: Pick<PasswordDeps, 'passwordStore'>,
  { id, spec }: Resource<'user'>,
): Promise<string | null> {
  if (spec.type !== 'human' || spec.isDisabled || spec.passwordSetAt === undefined) return null
  return (await passwordStore.get(id))?.phc ?? null
}

/** With the counters away hashing itself is the brake. */
const ofAddress = { burst: 100, perSecond: 20 / 60 }
const ofNameAtAddress = { burst: 10, perSecond: 2 / 60 }
/** It takes many addresses to keep a user out; and who has many guesses fourteen thousand passwords a day, and no more. */
const ofName = { burst: 100, perSecond: 10 / 60 }

const limit = { limit: 'sign_in' }

/** One address that tries many names. */
function chargeAddress({ counters }: Pick<PasswordDeps, 'counters'>, address: string): Promise<void> {
  return chargeRates(counters, [[`sign-in from ${address}`, ofAddress]], limit)
}

/** One name that is tried from one address, or from many. */
function chargeAttempt(
  { counters }: Pick<PasswordDeps, 'counters'>,
  { name, address }: { name: string; address: string },
): Promise<void> {
  const asked = name.slice(0, nameCharsMax)
  // An address has no spaces: no name can be written so that its key is another's.
  return chargeRates(
    counters,
    [
      [`sign-in from ${address} as ${asked}`, ofNameAtAddress],
      [`sign-in as ${asked}`, ofName],
    ],
    limit,
  )
}

const nameCharsMax = 100
