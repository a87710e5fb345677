import { GatewayError } from '#contract/errors.ts'
import { invalidBody, parseBody } from '#contract/parse-body.ts'
import { PasswordText, resourceBodies } from '#contract/resource-body.ts'
import { type Caller, systemActor } from './actor.ts'
import { commit } from './commit.ts'
import { findAdmin } from './last-admin.ts'
import type { PasswordDeps } from './passwords.ts'
import { type ChangeNote, recorded } from './recorded.ts'
import { newResource } from './to-resource.ts'
import { toSpec } from './to-spec.ts'

/** The same on every replica: of two that make it at the same moment one is refused by the store. */
const firstAdminId = 'usr_first-admin-00000000'

/**
 * Makes the first admin, unless somebody can sign in as an admin already. Ever after that there is one, because the last one cannot be taken
 * away; so this happens once, however often and on however many replicas it is tried.
 *
 * @returns whether this call made it
 * @throws GatewayError `invalid_body`, `already_exists` (somebody else has the name), `storage_unavailable`
 */
export async function bootstrapFirstAdmin(
  deps: Omit<PasswordDeps, 'counters'>,
  { name, password }: { name: string; password: string },
): Promise<boolean> {
  if (await findAdmin(deps.store, null)) return false
  const caller: Caller = { actor: systemActor, requestId: '', changedBy: '' }
  try {
    await recorded(deps, { caller, action: 'bootstrap', kind: 'user', name }, (note) =>
      makeAdmin(deps, { name, password }, note),
    )
    return true
  } catch (error) {
    if (await wasMadeElsewhere(deps, error)) return false
    throw error
  }
}

async function makeAdmin(
  deps: Omit<PasswordDeps, 'counters'>,
  { name, password }: { name: string; password: string },
  note: ChangeNote,
): Promise<void> {
  const body = parseBody(resourceBodies.user, { name, role: 'admin' })
  if (!PasswordText.safeParse(password).success) {
    throw invalidBody([{ path: 'password', problem: 'must have 12 to 256 characters' }])
  }
  const passwordHash = await deps.passwords.hash(password)
  const spec = { ...toSpec('user', body, null), passwordHash, passwordSetAt: deps.clock.now() }
  const resource = { ...newResource(deps, systemActor, { kind: 'user', body, spec }), id: firstAdminId }
  note.id = resource.id
  await commit(deps, [{ do: 'create', resource }])
}

async function wasMadeElsewhere({ store }: Pick<PasswordDeps, 'store'>, error: unknown): Promise<boolean> {
  const isTaken = error instanceof GatewayError && error.code === 'already_exists'
  return isTaken && (await findAdmin(store, null)) !== null
}
