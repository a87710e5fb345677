/**
 * Who holds which token, and what they may call: made from the resources when a token is first used, and kept until something changes that
 * it was made from. Callers who are made of equal parts share one access.
 */
import type { ResourceKind } from '#contract/resource.ts'
import type { Hash } from '#core/access/access.ts'
import { AccessPool } from '#core/access/access-pool.ts'
import type { Ceiling } from '#core/access/ceiling.ts'
import { closed, type Composition } from '#core/access/composition.ts'
import { addressKey, parseAddress } from '#core/naming/address.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import type { ResourceSnapshot } from '#core/resources/snapshot.ts'
import { Ceilings } from './ceilings.ts'
import { addBounds, boundsOfProject, composeToken, serverFacts, type Bounds } from './compose-token.ts'
import type { Mixture, Principal, Scope, TokenFacts } from './principal.ts'
import { isHeld } from './token-status.ts'

/** Kinds that say what a token may do, beside the token itself. */
const foundations = ['organization', 'team', 'user', 'policy', 'server', 'toolset', 'project', 'role_binding'] as const

type Made = {
  version: number
  serverVersion: number
  pool: AccessPool
  ceilings: Ceilings
  /** Null: a token that is not good. */
  byToken: WeakMap<Resource<'token'>, Principal | null>
  scopes: Map<string, Bounded | null>
  within: WeakMap<Principal, Map<string, Principal>>
  /** Null where no server is internal. */
  publicServers: Bounds | null
}

type Bounded = Bounds & { scope: Scope }

/** Of one principal: which names are asked for together is the caller's choice. */
const withinMax = 1_000

export class Principals {
  readonly #snapshot: ResourceSnapshot
  readonly #hash: Hash
  /** Of what each principal's access is made. */
  readonly #compositions = new WeakMap<Principal, Composition>()
  #made: Made | undefined

  /** @param options.hash one that nobody can find collisions for */
  constructor(snapshot: ResourceSnapshot, { hash }: { hash: Hash }) {
    this.#snapshot = snapshot
    this.#hash = hash
  }

  /**
   * Undefined for a token that is unknown or revoked, or whose owner or project is gone, or whose owner is disabled. One that has expired is
   * given: its end is looked at when it is used.
   * @param digest lower-case hex SHA-256 of the whole bearer
   */
  byDigest(digest: string): Principal | undefined {
    const token = this.#snapshot.tokenByDigest(digest)
    return token && this.#of(token)
  }

  /** What a principal is now, wherever it stands; undefined where its token is not good any more. */
  current({ tokenId, token: before }: Principal): Principal | undefined {
    const token = this.#snapshot.get('token', tokenId)
    return token && token.spec.digest === before?.digest ? this.#of(token) : undefined
  }

  /** The same principal with what is left of its access for a client whose address is not internal. */
  outside(principal: Principal): Principal {
    const { publicServers } = this.#present()
    return publicServers ? this.#narrow(principal, 'outside', publicServers) : principal
  }

  /** The project or toolset of this name. */
  scope(kind: Scope['kind'], name: string): Scope | undefined {
    return this.#bounded(kind, name)?.scope
  }

  /** The same principal with what is left of its access at the address of a project or toolset. */
  within(principal: Principal, { kind, id, name }: Scope): Principal {
    // What its project takes from a token was taken when it was made.
    if (principal.token?.projectId === id) return principal
    return this.#narrow(principal, id, this.#bounded(kind, name))
  }

  /** The same principal, with what is left of its access where servers are offered beside toolsets. */
  among(principal: Principal, { servers, toolsets }: Mixture): Principal {
    const ids = toolsets.map(({ id }) => id)
    const ceiling = this.#present().ceilings.ofMixture(servers, ids)
    return this.#narrow(principal, JSON.stringify([servers, ids]), { ceiling, bounds: [] })
  }

  #narrow(principal: Principal, key: string, bounded: (Bounds & { scope?: Scope }) | null): Principal {
    const { within, pool } = this.#present()
    let known = within.get(principal)
    if (!known) within.set(principal, (known = new Map<string, Principal>()))
    let narrowed = known.get(key)
    if (!narrowed) {
      const composition = addBounds(this.#compositions.get(principal) ?? closed, bounded)
      const { scope } = bounded ?? {}
      const place = scope?.kind === 'toolset' ? { toolset: scope.name } : {}
      narrowed = { ...principal, ...place, access: pool.of(composition) }
      this.#compositions.set(narrowed, composition)
      if (known.size >= withinMax) known.clear()
      known.set(key, narrowed)
    }
    return narrowed
  }

  #of(token: Resource<'token'>): Principal | undefined {
    const { byToken } = this.#present()
    let principal = byToken.get(token)
    if (principal === undefined) {
      const isGood = token.spec.revokedAt === null && isHeld(this.#snapshot, token.spec)
      principal = isGood ? this.#make(token) : null
      byToken.set(token, principal)
    }
    return principal ?? undefined
  }

  #make(token: Resource<'token'>): Principal {
    const { id, name, spec } = token
    const { pool, ceilings } = this.#present()
    const composition = composeToken(this.#snapshot, token, ceilings)
    const access = pool.of(composition)
    const principal = { id, tokenId: id, tokenName: name, access, expiresAt: spec.expiresAt, token: toFacts(spec) }
    this.#compositions.set(principal, composition)
    return principal
  }

  #bounded(kind: Scope['kind'], name: string): Bounded | null {
    const { scopes } = this.#present()
    const key = `${kind} ${name}`
    const known = scopes.get(key)
    if (known !== undefined) return known
    const resource = this.#snapshot.find(kind, name)
    // Names are the caller's words: only those that mean something are remembered.
    if (!resource) return null
    const bounded = resource.kind === 'project' ? this.#boundedByProject(resource) : this.#boundedByToolset(resource)
    scopes.set(key, bounded)
    return bounded
  }

  #boundedByProject(project: Resource<'project'>): Bounded {
    const bounds = boundsOfProject(this.#snapshot, project, this.#present().ceilings)
    return { ...bounds, scope: toScope(project, bounds.ceiling) }
  }

  #boundedByToolset(toolset: Resource<'toolset'>): Bounded {
    const ceiling = this.#present().ceilings.ofToolset(toolset)
    return { scope: toScope(toolset, ceiling), ceiling, bounds: [] }
  }

  /** A token that comes or goes changes nothing for the others. */
  #present(): Made {
    const version = this.#versionOf(foundations)
    if (this.#made?.version === version) return this.#made
    const serverVersion = this.#versionOf(['server'])
    const pool = this.#made?.serverVersion === serverVersion ? this.#made.pool : this.#createPool()
    return (this.#made = {
      version,
      serverVersion,
      pool,
      ceilings: new Ceilings(this.#snapshot),
      byToken: new WeakMap(),
      scopes: new Map(),
      within: new WeakMap(),
      publicServers: this.#publicServers(),
    })
  }

  #publicServers(): Bounds | null {
    const servers = this.#snapshot.all('server')
    const open = servers.filter(({ spec }) => spec.visibility === 'public').map(({ name }) => name)
    if (open.length === servers.length) return null
    return { ceiling: { name: 'servers that are there for every address', servers: open }, bounds: [] }
  }

  #createPool(): AccessPool {
    return new AccessPool({ hash: this.#hash, ...serverFacts(this.#snapshot) })
  }

  #versionOf(kinds: readonly ResourceKind[]): number {
    let sum = 0
    for (const kind of kinds) sum += this.#snapshot.versionOf(kind)
    return sum
  }
}

function toScope({ id, name, kind }: Resource<'project' | 'toolset'>, { servers = [], toolsets = [] }: Ceiling): Scope {
  const named = toolsets.flatMap(({ tools }) => tools.map(({ server }) => server))
  return { kind, id, name, servers: [...new Set([...servers, ...named])] }
}

function toFacts({ owner, digest, project, endpoints, limits }: Resource<'token'>['spec']): TokenFacts {
  const keyOf = (path: string): string[] => {
    const address = parseAddress(path)
    return address ? [addressKey(address)] : []
  }
  return {
    digest,
    userId: owner.kind === 'user' ? owner.ref : null,
    teamId: owner.kind === 'team' ? owner.ref : null,
    projectId: project ?? null,
    endpoints: endpoints ? new Set(endpoints.flatMap(keyOf)) : null,
    limits: Object.keys(limits).length > 0 ? limits : null,
  }
}
