/**
 * The entrance of agents' sessions: `/sessions/{id}/mcp/{server}`. A signed token and an address become a caller, from memory alone. What
 * follows is what follows for every caller.
 */
import { GatewayError } from '#contract/errors.ts'
import { compileAccess, type Access, type Hash } from '#core/access/access.ts'
import { AccessPool } from '#core/access/access-pool.ts'
import type { CredentialHolder } from '#core/credential/lease.ts'
import type { Clock } from '#core/clock.ts'
import { serverFacts } from '#core/identity/compose-token.ts'
import type { Principal } from '#core/identity/principal.ts'
import { bearerIn } from '#core/identity/token-form.ts'
import type { ResourceKind } from '#contract/resource.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import { enabledServersCalled } from '#core/resources/server-names.ts'
import { checkBroker, type AttachedServer, type BrokerAddress, type BrokerFacts } from '#core/session/broker-checks.ts'
import { composeSession } from '#core/session/session-access.ts'
import type { SessionIndex } from '#core/session/session-index.ts'
import type { SessionKeys } from '#core/session/session-keys.ts'
import type { StoredSession } from '#core/session/session-store.ts'
import { brokerScope, verifySessionToken, type SessionClaims } from '#core/session/session-token.ts'
import type { Address, Endpoint, Registry } from './endpoint.ts'
import type { Identities } from './identify.ts'

export type BrokerDeps = {
  keys: SessionKeys
  /** Every resource in memory; the version of a kind rises with each change of any of it. */
  index: Pick<ResourceIndex, 'get' | 'find' | 'serversCalled'> & { versionOf(kind: ResourceKind): number }
  sessions: Pick<SessionIndex, 'get'>
  /** False where `index` or `sessions` may have missed changes for longer than is allowed. */
  isCurrent: () => boolean
  registry: () => Registry
  clock: Pick<Clock, 'now'>
  hash: Hash
  /** A harness uses a session that was still creating. Nobody waits for it. */
  onFirstUse: (sessionId: string) => void
}

/** Where a client stands: at which address, and on which side of the network. */
export type BrokerPlace = BrokerAddress & { isInternal: boolean }

export type BrokerCaller = { principal: Principal; endpoint: Endpoint; address: Address }

/** What a principal was made of; all of it the same means that the principal is. */
type Held = {
  claims: SessionClaims
  place: BrokerPlace
  session: StoredSession
  version: number
  registry: Registry
}

/** Made for one state of all that they depend on. */
type Accesses = { version: number; serverVersion: number; pool: AccessPool; known: Map<string, Access> }

const nothing = compileAccess([])
/** What a session's access is made of. */
const foundations = ['agent', 'server', 'toolset', 'policy', 'organization'] as const
/** Agents × what their tokens name. */
const accessesMax = 1_000

export class Broker {
  readonly #deps: BrokerDeps
  readonly #facts: BrokerFacts
  readonly #claims = new WeakMap<Principal, SessionClaims>()
  readonly #held = new WeakMap<Principal, Held>()
  #accesses: Accesses | undefined

  constructor(deps: BrokerDeps) {
    const { index, sessions, isCurrent } = deps
    this.#deps = deps
    this.#facts = {
      get isCurrent() {
        return isCurrent()
      },
      session: (id) => sessions.get(id),
      attachedTo: (agentId) => new Set(index.get('agent', agentId)?.spec.servers.map(({ server }) => server)),
      serversNamed: (name) => enabledServersCalled(index, name),
    }
  }

  /**
   * Step 2 of a call: who is there. It may nothing yet.
   * @throws GatewayError `unauthorized`, whatever is wrong, and before anything is looked up
   */
  identify(authorization: string | undefined): Principal {
    const text = bearerIn(authorization)
    if (text === undefined) throw new GatewayError('unauthorized')
    const { keys, clock } = this.#deps
    const verdict = verifySessionToken(text, { kind: 'access', scope: brokerScope }, { keys, now: clock.now() })
    if ('fault' in verdict) throw new GatewayError('unauthorized')
    return this.#toPrincipal(verdict.claims, { access: nothing, expiresAt: verdict.claims.exp * 1_000 })
  }

  #toPrincipal(claims: SessionClaims, more: Pick<Principal, 'access' | 'expiresAt'>): Principal {
    const { session_id: id, agent_id: agentId } = claims
    const agentName = this.#deps.index.get('agent', agentId)?.name ?? ''
    const session = { id, agentId, agentName, ...this.#starterOf(id) }
    // Two sessions share nothing, be they of one agent.
    const principal = { ...more, id, tokenId: id, tokenName: agentName, token: null, session }
    this.#claims.set(principal, claims)
    return principal
  }

  #starterOf(id: string): CredentialHolder {
    const { index, sessions } = this.#deps
    const by = sessions.get(id)?.createdBy ?? ''
    const owner = index.get('token', by)?.spec.owner
    if (owner)
      return { userId: owner.kind === 'user' ? owner.ref : null, teamId: owner.kind === 'team' ? owner.ref : null }
    return { userId: index.get('user', by)?.id ?? null, teamId: null }
  }

  /**
   * Steps 3 and 4: whether it may be there, and what it may there.
   * @param identified by `identify`, or a caller of before
   * @throws GatewayError `forbidden`, `storage_unavailable`, `session_not_found`, `session_over`, `server_not_attached`
   */
  open(identified: Principal, place: BrokerPlace): BrokerCaller {
    const claims = this.#claims.get(identified)
    const { clock, onFirstUse } = this.#deps
    const now = clock.now()
    if (!claims) throw new GatewayError('unauthorized')
    const verdict = checkBroker(this.#facts, { address: place, claims, now })
    if ('code' in verdict) throw new GatewayError(verdict.code)
    const { session, server } = verdict
    const access = this.#accessOf(claims)
    // Attached, and not for this client, or denied whole: as good as not attached.
    if (!this.#isFor(place, server) || !access.mayReach(server.name)) throw new GatewayError('server_not_attached')
    const registry = this.#deps.registry()
    const endpoint = registry.named(server.name)
    // What a client opened goes on with the next token of the session, and ends with the session.
    const principal = this.#toPrincipal(claims, { access, expiresAt: session.expiresAt })
    this.#held.set(principal, { claims, place, session, version: this.#version, registry })
    if (session.status === 'creating') onFirstUse(session.id)
    return { principal, endpoint, address: { scope: 'servers', names: server.name, narrowing: null } }
  }

  #isFor({ isInternal }: BrokerPlace, { id }: AttachedServer): boolean {
    return isInternal || this.#deps.index.get('server', id)?.spec.visibility === 'public'
  }

  /** Whether `open` would say the same of this principal again. Cheap: this runs for each request of a connection. */
  isStill(principal: Principal): boolean {
    const held = this.#held.get(principal)
    if (!held) return false
    const { sessions, registry, clock, isCurrent } = this.#deps
    const now = clock.now()
    return (
      held.version === this.#version &&
      held.session === sessions.get(held.session.id) &&
      held.registry === registry() &&
      held.session.expiresAt > now &&
      held.claims.exp * 1_000 > now &&
      isCurrent()
    )
  }

  /** What a caller of before is now, whichever token it came with; undefined where it may not be there any more. */
  current(before: Principal): Principal | undefined {
    const held = this.#held.get(before)
    if (!held) return undefined
    if (this.isStill(before)) return before
    try {
      return this.open(before, held.place).principal
    } catch {
      return undefined
    }
  }

  /** Sessions of one agent, with tokens that name the same, share one access, and so the lists made for it. */
  #accessOf({ agent_id: agentId, servers }: SessionClaims): Access {
    const { pool, known } = this.#present()
    const key = JSON.stringify([agentId, servers])
    let access = known.get(key)
    if (access) return access
    const agent = this.#deps.index.get('agent', agentId)
    if (!agent) return nothing
    access = pool.of(composeSession(this.#deps.index, agent, servers))
    if (known.size >= accessesMax) known.clear()
    known.set(key, access)
    return access
  }

  #present(): Accesses {
    const version = this.#version
    if (this.#accesses?.version === version) return this.#accesses
    const { index, hash } = this.#deps
    const serverVersion = index.versionOf('server')
    const isSame = this.#accesses?.serverVersion === serverVersion
    const pool = this.#accesses && isSame ? this.#accesses.pool : new AccessPool({ hash, ...serverFacts(index) })
    return (this.#accesses = { version, serverVersion, pool, known: new Map() })
  }

  get #version(): number {
    let sum = 0
    for (const kind of foundations) sum += this.#deps.index.versionOf(kind)
    return sum
  }
}

/** Callers with a session's token are known to the broker, all others to `identities`. */
export function withSessions(identities: Identities, broker: Pick<Broker, 'current'>): Identities {
  return {
    byDigest: (digest) => identities.byDigest(digest),
    current: (before) => (before.session ? broker.current(before) : identities.current(before)),
    // Where an agent's client stands, the broker has looked at.
    outside: (principal) => (principal.session ? principal : identities.outside(principal)),
    scope: (kind, name) => identities.scope(kind, name),
    within: (principal, scope) => identities.within(principal, scope),
    among: (principal, mixture) => identities.among(principal, mixture),
  }
}
