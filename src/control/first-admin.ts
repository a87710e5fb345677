import { GatewayError } from '#contract/errors.ts'
import { invalidBody, parseBody } from '#contract/parse-body.ts'
import { PasswordText, resourceBodies } from '#contract/resource-body.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { type Caller, systemActor } from './actor.ts'
import { commit } from './commit.ts'
import { findAdmin } from './last-admin.ts'
import type { PasswordDeps } from './passwords.ts'
import { type ChangeNote, recorded } from './recorded.ts'
import { newResource } from './to-resource.ts'
import { toSpec } from './to-spec.ts'

/** The same on every replica: of two that make it at the same moment one is refused by the store. */
const firstAdminId = 'usr_first-admin-00000000'

/** Where its maker ended between making it and giving it a password, another one does so, when nobody can be at it any more. */
const givenUpAfterMs = 60_000

type Credentials = { name: string; password: string }
type BootstrapDeps = Omit<PasswordDeps, 'counters'>

/**
 * Makes the first admin, unless somebody can sign in as an admin already. Ever after that there is one, because the last one cannot be taken
 * away; so this happens once, however often and on however many replicas it is tried.
 *
 * @returns whether this call made it, and the password is good
 * @throws GatewayError `invalid_body`, `already_exists` (somebody else has the name), `storage_unavailable`
 */
export async function bootstrapFirstAdmin(deps: BootstrapDeps, credentials: Credentials): Promise<boolean> {
  const known = await findAdmin(deps.store, null)
  if (known && !(await isUnfinished(deps, known))) return false
  const caller: Caller = { actor: systemActor, requestId: '', changedBy: '' }
  try {
    await recorded(deps, { caller, action: 'bootstrap', kind: 'user', name: credentials.name }, (note) =>
      makeAdmin(deps, credentials, { known, note }),
    )
    return true
  } catch (error) {
    if (await wasMadeElsewhere(deps, error)) return false
    throw error
  }
}

async function isUnfinished({ passwordStore, clock }: BootstrapDeps, { id, createdAt }: Resource<'user'>) {
  if (id !== firstAdminId || clock.now() - createdAt < givenUpAfterMs) return false
  return (await passwordStore.get(id)) === null
}

async function makeAdmin(
  deps: BootstrapDeps,
  { name, password }: Credentials,
  { known, note }: { known: Resource<'user'> | null; note: ChangeNote },
): Promise<void> {
  const body = parseBody(resourceBodies.user, { name, role: 'admin' })
  if (!PasswordText.safeParse(password).success) {
    throw invalidBody([{ path: 'password', problem: 'must have 12 to 256 characters' }])
  }
  const phc = await deps.passwords.hash(password)
  const setAt = deps.clock.now()
  note.id = firstAdminId
  if (!known) {
    const spec = { ...toSpec('user', body, null), passwordSetAt: setAt }
    const resource = { ...newResource(deps, systemActor, { kind: 'user', body, spec }), id: firstAdminId }
    await commit(deps, [{ do: 'create', resource }])
  }
  await deps.passwordStore.put(firstAdminId, { phc, setAt })
}

async function wasMadeElsewhere({ store }: Pick<PasswordDeps, 'store'>, error: unknown): Promise<boolean> {
  const isTaken = error instanceof GatewayError && error.code === 'already_exists'
  return isTaken && (await findAdmin(store, null)) !== null
}
