import { GatewayError } from '#contract/errors.ts'
import { invalidBody, parseBody } from '#contract/parse-body.ts'
import { PasswordText, resourceBodies } from '#contract/resource-body.ts'
import { type Caller, systemActor } from './actor.ts'
import { commit } from './commit.ts'
import { findAdmin, isAdmin } from './last-admin.ts'
import { type PasswordDeps, storePassword } from './passwords.ts'
import { type ChangeNote, recorded } from './recorded.ts'
import { newResource } from './to-resource.ts'
import { toSpec } from './to-spec.ts'

/** The same on every replica: of two that make it at the same moment one is refused by the store. */
const firstAdminId = 'usr_first-admin-00000000'

const systemCaller: Caller = { actor: systemActor, requestId: '', changedBy: '' }

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
  if (await findAdmin(deps.store, null)) return false
  try {
    await recorded(deps, { caller: systemCaller, action: 'bootstrap', kind: 'user', name: credentials.name }, (note) =>
      makeAdmin(deps, credentials, note),
    )
    return true
  } catch (error) {
    if (await wasMadeElsewhere(deps, error)) return false
    throw error
  }
}

/**
 * Gives the first admin a new password: for whoever runs the gateway and has lost the old one. Where the first admin is none any more who can
 * sign in, another admin gets it.
 *
 * @returns whose it is
 * @throws GatewayError `no_such_resource` where nobody is an admin, `version_conflict`, `storage_unavailable`
 */
export async function resetAdminPassword(deps: BootstrapDeps, password: string): Promise<string> {
  return recorded(deps, { caller: systemCaller, action: 'set_password', kind: 'user', name: '' }, async (note) => {
    const first = await deps.store.get('user', firstAdminId)
    const user = first && isAdmin(first) ? first : await findAdmin(deps.store, null)
    if (!user) throw new GatewayError('no_such_resource')
    note.id = user.id
    note.name = user.name
    await storePassword(deps, systemActor, { user, password })
    return user.name
  })
}

async function makeAdmin(deps: BootstrapDeps, { name, password }: Credentials, note: ChangeNote): Promise<void> {
  const body = parseBody(resourceBodies.user, { name, role: 'admin' })
  if (!PasswordText.safeParse(password).success) {
    throw invalidBody([{ path: 'password', problem: 'must have 12 to 256 characters' }])
  }
  const phc = await deps.passwords.hash(password)
  const setAt = deps.clock.now()
  note.id = firstAdminId
  const spec = { ...toSpec('user', body, null), passwordSetAt: setAt }
  const resource = { ...newResource(deps, systemActor, { kind: 'user', body, spec }), id: firstAdminId }
  await commit(deps, [{ do: 'create', resource, password: { phc, setAt } }])
}

async function wasMadeElsewhere({ store }: Pick<PasswordDeps, 'store'>, error: unknown): Promise<boolean> {
  const isTaken = error instanceof GatewayError && error.code === 'already_exists'
  return isTaken && (await findAdmin(store, null)) !== null
}
