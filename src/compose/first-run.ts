/** What a gateway without a configuration starts with. */
import type { TokenStore } from '#core/identity/token-store.ts'
import type { Policy } from '#contract/policy.ts'
import { randomId } from '#adapters/crypto/random-id.ts'
import { mintToken } from '#adapters/crypto/token-mint.ts'

export const adminTokenName = 'admin'

/** The admin token's policy; configured policies cannot take its name. */
export const adminPolicy: Policy = {
  name: 'toolgate-admin',
  description: 'Everything. Held by the first admin token.',
  default: 'admin',
  rules: [],
}

/** @returns the admin token's text when it was made just now, else null: it is stored as a hash and cannot be shown again */
export async function ensureAdminToken(
  tokens: TokenStore,
  options: { now: number; isReset: boolean },
): Promise<string | null> {
  const known = (await tokens.listTokens()).find(({ name }) => name === adminTokenName)
  if (known && !options.isReset) return null
  const { raw, hash } = mintToken()
  await tokens.putToken({
    id: known?.id ?? randomId('tok'),
    name: adminTokenName,
    hash,
    policies: [adminPolicy.name],
    expiresAt: null,
    createdAt: options.now,
  })
  return raw
}
