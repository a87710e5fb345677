import { GatewayError } from '#contract/errors.ts'
import type { StoredToken, TokenStore } from '#core/identity/token-store.ts'

/** A TokenStore that ends with the process. */
export function createMemoryTokenStore(): TokenStore {
  const tokens = new Map<string, StoredToken>()
  return {
    async listTokens() {
      const oldestFirst = [...tokens.values()].toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
      return oldestFirst.map((token) => structuredClone(token))
    },
    async putToken(token) {
      const others = [...tokens.values()].filter((other) => other.id !== token.id && other.name !== token.name)
      if (others.some((other) => other.hash === token.hash)) {
        throw new GatewayError('config_invalid', { details: { reason: 'Two tokens have the same secret.' } })
      }
      tokens.clear()
      for (const kept of [...others, structuredClone(token)]) tokens.set(kept.id, kept)
    },
    async deleteToken(id) {
      tokens.delete(id)
    },
  }
}
