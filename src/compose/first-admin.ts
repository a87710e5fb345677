/** What a gateway that nobody manages yet starts with: a person who may sign in, and a token that may everything. */
import { randomBytes } from 'node:crypto'
import { adminName, adminPolicyName } from './declared-resources.ts'
import { commit } from '#control/commit.ts'
import { bootstrapFirstAdmin, resetAdminPassword } from '#control/first-admin.ts'
import { findAdmin } from '#control/last-admin.ts'
import { newTokenState, type TokenDeps } from '#control/mint-token.ts'
import type { PasswordDeps } from '#control/passwords.ts'
import { GatewayError } from '#contract/errors.ts'
import { everything } from '#core/rbac/evaluate.ts'
import { toDeclaredId } from '#core/resources/resource-ids.ts'
import type { Resource } from '#core/resources/resource-store.ts'

/** Texts to be shown once; null where they were made before: they are stored as hashes and cannot be shown again. */
export type FirstAdmin = { name: string; password: string | null; token: string | null }

export type FirstAdminDeps = TokenDeps & Omit<PasswordDeps, 'counters'>

const passwordBytes = 18

/** What is replaced by a new one, because the old one has been lost. */
type Resets = { isTokenReset: boolean; isPasswordReset: boolean }

/** To be called when it is certain that the texts will be shown. */
export async function prepareFirstAdmin(
  deps: FirstAdminDeps,
  { isTokenReset, isPasswordReset }: Resets,
): Promise<FirstAdmin> {
  const password = randomBytes(passwordBytes).toString('base64url')
  const isNew = await bootstrapFirstAdmin(deps, { name: adminName, password })
  const owner = await findAdmin(deps.store, null)
  if (!owner) throw new GatewayError('internal', { details: { reason: 'There is no admin.' } })
  const known = await deps.store.find('token', adminName)
  const token = known && !isTokenReset ? null : await storeOnce(deps, { owner, known })
  if (isNew || !isPasswordReset) return { name: owner.name, password: isNew ? password : null, token }
  return { name: await resetAdminPassword(deps, password), password, token }
}

type Owned = { owner: Resource<'user'>; known: Resource<'token'> | null }

/** Null where another gateway, which started at the same moment, was first: it shows its own. */
async function storeOnce(deps: FirstAdminDeps, owned: Owned): Promise<string | null> {
  try {
    return await storeToken(deps, owned)
  } catch (error) {
    if (owned.known === null && error instanceof GatewayError && error.code === 'already_exists') return null
    throw error
  }
}

async function storeToken(deps: FirstAdminDeps, { owner, known }: Owned): Promise<string> {
  const { raw, hash } = deps.secrets.mint()
  const now = deps.clock.now()
  const token: Resource<'token'> = {
    kind: 'token',
    id: known?.id ?? deps.newId('tok'),
    name: adminName,
    labels: known?.labels ?? {},
    version: known?.version ?? 1,
    createdAt: known?.createdAt ?? now,
    createdBy: known?.createdBy ?? 'system',
    updatedAt: now,
    updatedBy: 'system',
    spec: {
      description: 'Made at the first start. It may everything but make other tokens.',
      owner: { kind: 'user', ref: owner.id },
      policies: [toDeclaredId('policy', adminPolicyName)],
      bindings: [...everything],
      limits: {},
      expiresAt: null,
      ...newTokenState(raw, hash),
    },
  }
  await commit(deps, [{ do: known ? 'update' : 'create', resource: token }])
  return raw
}
