/** What a gateway without a configuration starts with. */
import type { StoredToken, TokenStore } from '#core/identity/token-store.ts'
import type { Policy } from '#contract/policy.ts'
import { randomId } from '#adapters/crypto/random-id.ts'
import { mintToken } from '#adapters/crypto/token-mint.ts'

const adminTokenName = 'admin'

/** The admin token's policy; configured policies cannot take its name. */
export const adminPolicy: Policy = {
  name: 'toolgate-admin',
  description: 'Everything. Held by the first admin token.',
  default: 'admin',
  rules: [],
}

export type AdminToken = {
  /** The token's text, to be shown once; null where it was made earlier: it is stored as a hash and cannot be shown again. */
  raw: string | null
  /** All tokens of the store, the admin's included. */
  tokens: readonly StoredToken[]
  /** To be called when it is certain that the text will be shown: an old token is replaced only then. */
  store: () => Promise<void>
}

export async function prepareAdminToken(
  tokens: TokenStore,
  options: { now: number; isReset: boolean },
): Promise<AdminToken> {
  const stored = await tokens.listTokens()
  const known = stored.find(({ name }) => name === adminTokenName)
  if (known && !options.isReset) return { raw: null, tokens: stored, store: () => Promise.resolve() }
  const { raw, hash } = mintToken()
  const admin: StoredToken = {
    id: known?.id ?? randomId('tok'),
    name: adminTokenName,
    hash,
    policies: [adminPolicy.name],
    expiresAt: null,
    createdAt: options.now,
  }
  const others = stored.filter((token) => token !== known)
  return { raw, tokens: [...others, admin], store: () => tokens.putToken(admin) }
}
