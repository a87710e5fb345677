/** Callers of the library as the engine knows them. */
import { compileAccess, type Access } from '#core/access/access.ts'
import type { Principal } from '#core/identity/principal.ts'
import type { PermissionCaller, PermissionManager } from './permission-manager.ts'

/** Whoever holds a gateway without a PermissionManager, and whoever asks without naming a caller. */
const ownerId = 'library'

const everything = compileAccess([{ name: 'library', default: 'execute', rules: [] }])

export class Callers {
  readonly #permissions: PermissionManager | undefined
  readonly #hash: (text: string) => string

  constructor(permissions: PermissionManager | undefined, hash: (text: string) => string) {
    this.#permissions = permissions
    this.#hash = hash
  }

  /** A new one for each call: policies may change between two. Its ids hold the key's hash, because the key may be a secret. */
  principal(caller: PermissionCaller): Principal {
    const { key, team, org } = caller
    const access: Access = this.#permissions?.access(caller) ?? everything
    const hashed = typeof key === 'string' ? this.#hash(key) : null
    const isOwner = hashed === null && typeof team !== 'string' && typeof org !== 'string'
    const id = isOwner ? ownerId : this.#hash(JSON.stringify([hashed, team ?? null, org ?? null]))
    const tokenId = hashed === null ? id.slice(0, 16) : `key:${hashed.slice(0, 16)}`
    return { id, tokenId, tokenName: team ?? org ?? '', access, expiresAt: null, token: null }
  }

  rateLimitRpm(caller: PermissionCaller): number | undefined {
    return this.#permissions?.rateLimitRpm(caller)
  }
}
