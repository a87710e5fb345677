/** Who may call what, by key, team and organisation. */
import { compileAccess, type Access, type Decision } from '#core/access/access.ts'
import { matchesWildcard } from '#core/access/wildcard.ts'
import { AuthorizationError } from './errors.ts'
import { parseLevel, PermissionLevel } from './permission-level.ts'
import { checkPolicy, PermissionPolicy, toDenials, type CheckedPolicy } from './permission-policy.ts'

/** Who asks. The key is its id, or its hash: the secret itself is not needed here. */
export type PermissionCaller = {
  key?: string | null | undefined
  team?: string | null | undefined
  org?: string | null | undefined
}

/** Compiled answers are kept for so many callers. */
const accessesMax = 1_000

/**
 * The policy of the key, else of the team, else of the organisation, else the default one, says what is allowed. What the
 * policies of team and organisation deny (rules, denied servers, servers missing from a list of allowed ones) stays denied,
 * whoever's policy was chosen. As constructed, everything is denied.
 */
export class PermissionManager {
  readonly #keys = new Map<string, CheckedPolicy>()
  readonly #teams = new Map<string, CheckedPolicy>()
  readonly #orgs = new Map<string, CheckedPolicy>()
  readonly #toKeyId: (key: string) => string
  readonly #accesses = new Map<string, Access>()
  #fallback = checkPolicy(PermissionPolicy.denyAll('default'))

  /** @param options.hashKey for programs that have nothing but the secret to ask with: only its hash is then kept */
  constructor(options: { hashKey?: (key: string) => string } = {}) {
    this.#toKeyId = options.hashKey ?? ((key) => key)
  }

  /** The level of callers without a policy of their own. */
  setDefaultLevel(level: PermissionLevel): void {
    this.setDefaultPolicy({ name: 'default', defaultLevel: parseLevel(level) })
  }

  /** @throws ConfigurationError that names every fault of the policy; then the former one stays */
  setDefaultPolicy(policy: PermissionPolicy): void {
    this.#fallback = checkPolicy(policy)
    this.#accesses.clear()
  }

  /** @param policy null removes the key's policy @throws ConfigurationError */
  setKeyPolicy(key: string, policy: PermissionPolicy | null): void {
    this.#set(this.#keys, this.#toKeyId(key), policy)
  }

  /** @param policy null removes the team's policy @throws ConfigurationError */
  setTeamPolicy(team: string, policy: PermissionPolicy | null): void {
    this.#set(this.#teams, team, policy)
  }

  /** @param policy null removes the organisation's policy @throws ConfigurationError */
  setOrgPolicy(org: string, policy: PermissionPolicy | null): void {
    this.#set(this.#orgs, org, policy)
  }

  /**
   * The level, `execute` at least.
   * @throws AuthorizationError below it
   */
  checkToolAccess(key: string | null | undefined, server: string, tool: string): PermissionLevel
  checkToolAccess(server: string, tool: string, caller?: PermissionCaller): PermissionLevel
  checkToolAccess(
    keyOrServer: string | null | undefined,
    serverOrTool: string,
    toolOrCaller: string | PermissionCaller = {},
  ): PermissionLevel {
    if (typeof toolOrCaller === 'string') return this.#checkTool({ key: keyOrServer }, serverOrTool, toolOrCaller)
    return this.#checkTool(toolOrCaller, keyOrServer ?? '', serverOrTool)
  }

  /**
   * The level for what a server has beside tools, `read` at least.
   * @throws AuthorizationError below it
   */
  checkServerAccess(key: string | null | undefined, server: string): PermissionLevel
  checkServerAccess(server: string, caller?: PermissionCaller): PermissionLevel
  checkServerAccess(
    keyOrServer: string | null | undefined,
    serverOrCaller: string | PermissionCaller = {},
  ): PermissionLevel {
    if (typeof serverOrCaller === 'string') return this.#checkServer({ key: keyOrServer }, serverOrCaller)
    return this.#checkServer(serverOrCaller, keyOrServer ?? '')
  }

  /** All answers for one caller, compiled: what a gateway asks on every list and call. Server names are real names, never aliases. */
  access(caller: PermissionCaller): Access {
    const key = typeof caller.key === 'string' ? this.#toKeyId(caller.key) : null
    const id = JSON.stringify([key, caller.team ?? null, caller.org ?? null])
    const known = this.#accesses.get(id)
    if (known) return known
    const { chosen, others } = this.#policiesOf(caller)
    const access = withinAllowed([chosen, ...others], compileAccess([chosen.policy, ...others.map(toDenials)]))
    if (this.#accesses.size >= accessesMax) this.#accesses.clear()
    this.#accesses.set(id, access)
    return access
  }

  /** The lowest limit of the caller's policies in requests per minute, or undefined where none has one. */
  rateLimitRpm(caller: PermissionCaller): number | undefined {
    const { chosen, others } = this.#policiesOf(caller)
    const limits = [chosen, ...others].flatMap(({ rateLimitRpm }) => rateLimitRpm ?? [])
    return limits.length > 0 ? Math.min(...limits) : undefined
  }

  #set(policies: Map<string, CheckedPolicy>, id: string, policy: PermissionPolicy | null): void {
    if (policy === null) policies.delete(id)
    else policies.set(id, checkPolicy(policy))
    this.#accesses.clear()
  }

  #policiesOf({ key, team, org }: PermissionCaller): { chosen: CheckedPolicy; others: CheckedPolicy[] } {
    const ofKey = typeof key === 'string' ? this.#keys.get(this.#toKeyId(key)) : undefined
    const ofTeam = typeof team === 'string' ? this.#teams.get(team) : undefined
    const ofOrg = typeof org === 'string' ? this.#orgs.get(org) : undefined
    const chosen = ofKey ?? ofTeam ?? ofOrg ?? this.#fallback
    return { chosen, others: [ofTeam, ofOrg].flatMap((policy) => (policy && policy !== chosen ? [policy] : [])) }
  }

  #checkTool(caller: PermissionCaller, server: string, tool: string): PermissionLevel {
    const { level } = this.access(caller).tool(server, tool)
    if (PermissionLevel.canExecute(level)) return level
    throw new AuthorizationError({ server, tool })
  }

  #checkServer(caller: PermissionCaller, server: string): PermissionLevel {
    const { level } = this.access(caller).server(server)
    if (PermissionLevel.canRead(level)) return level
    throw new AuthorizationError({ server })
  }
}

/** Rules cannot say "all but these", so lists of allowed servers stand in front of them. */
function withinAllowed(policies: readonly CheckedPolicy[], access: Access): Access {
  const lists = policies.filter(({ allowedServers }) => allowedServers.length > 0)
  if (lists.length === 0) return access
  const refusal = (server: string): Decision | undefined => {
    const list = lists.find(({ allowedServers }) => !allowedServers.some((pattern) => matchesWildcard(pattern, server)))
    return list && { level: 'deny', reason: { kind: 'default', policy: list.policy.name } }
  }
  return {
    tool: (server, tool) => refusal(server) ?? access.tool(server, tool),
    call: (server, tool, args) => refusal(server) ?? access.call(server, tool, args),
    explain: (server, tool, args) => {
      const explanation = access.explain(server, tool, args)
      return { ...explanation, decision: refusal(server) ?? explanation.decision }
    },
    server: (server) => refusal(server) ?? access.server(server),
    mayReach: (server) => refusal(server) === undefined && access.mayReach(server),
    fingerprint: JSON.stringify([
      access.fingerprint,
      lists.map(({ policy, allowedServers }) => [policy.name, allowedServers]),
    ]),
  }
}
