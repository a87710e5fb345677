import { DryRun } from '#contract/dry-run.ts'
import { GatewayError } from '#contract/errors.ts'
import { parseBody } from '#contract/parse-body.ts'
import { AccessPool } from '#core/access/access-pool.ts'
import type { Access, Decision } from '#core/access/access.ts'
import type { Composition } from '#core/access/composition.ts'
import { allowsExecute } from '#core/access/decide.ts'
import type { CallHistory, RecordedCall } from '#core/audit/call-history.ts'
import { composeToken, serverFacts } from '#core/identity/compose-token.ts'
import { canRun } from '#core/rbac/evaluate.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import { composeSession } from '#core/session/session-access.ts'
import type { Actor } from './actor.ts'
import type { ControlDeps } from './control-deps.ts'
import { findResource } from './find-resource.ts'
import { type AttachedTo, proposedIndex } from './proposed-index.ts'
import { namingRight } from './resolve-references.ts'

export type DryRunDeps = ControlDeps & { history: CallHistory }

/** Calls of one tool by one token, or by sessions of one agent, whose outcome would be another. */
export type ChangedCalls = {
  /** Null where it is an agent. */
  token: { id: string; name: string } | null
  /** Null where it is a token. */
  agent: { id: string; name: string } | null
  server: string
  tool: string
  calls: number
  /** Unix milliseconds. */
  lastAt: number
  /** `depends`: on arguments, which are not recorded. */
  today: Outcome
  proposed: Outcome
  /** Why it would be so. */
  decision: Decision
}

type Outcome = 'allowed' | 'denied' | 'depends'

export type DryRunAnswer = {
  since: number
  /** Calls that were looked at. */
  calls: number
  /** Of those, calls of tokens and agents that are gone: nothing is said of them. */
  callsSkipped: number
  /** The most calls first; at most 1,000. */
  changes: ChangedCalls[]
  /** How many there are. */
  changesTotal: number
  /** There are more calls than are looked at: older ones were not. */
  isTruncated: boolean
}

const callsMax = 100_000
const callsPerPage = 500
const changesMax = 1_000
const dayMs = 86_400_000

/**
 * Which recorded calls would end otherwise if a policy were another, or were attached to somebody. Nothing is changed. Today's resources are
 * taken for those of then, so that the policy alone makes the difference.
 *
 * @param body see `DryRun`
 * @throws GatewayError `forbidden` without the right to explain and to read the audit log; `invalid_body`, `dangling_reference`,
 *   `storage_unavailable`
 */
export async function dryRun(deps: DryRunDeps, actor: Actor, body: unknown): Promise<DryRunAnswer> {
  requireRights(actor)
  const { policy, attachTo, days } = parseBody(DryRun, body)
  const attachedTo = attachTo === undefined ? null : await getAttachedTo(deps, actor, attachTo)
  const proposed = proposedIndex(deps.index, policy, attachedTo)
  const comparison = new Comparison(deps.index, proposed)
  const since = deps.clock.now() - days * dayMs
  let calls = 0
  let cursor: string | null = null
  do {
    const limit = Math.min(callsPerPage, callsMax - calls)
    const page: Awaited<ReturnType<CallHistory['read']>> = await deps.history.read({ since, limit, cursor })
    for (const call of page.calls) comparison.add(call)
    calls += page.calls.length
    cursor = page.next
  } while (cursor !== null && calls < callsMax)
  const changes = comparison.changes()
  return {
    since,
    calls,
    callsSkipped: comparison.skipped,
    changes: changes.slice(0, changesMax),
    changesTotal: changes.length,
    isTruncated: cursor !== null,
  }
}

function requireRights({ bindings }: Actor): void {
  for (const action of ['explain', 'audit'] as const) {
    if (!canRun(bindings, action)) throw new GatewayError('forbidden', { details: { action } })
  }
}

async function getAttachedTo(
  deps: ControlDeps,
  actor: Actor,
  { kind, ref }: NonNullable<DryRun['attachTo']>,
): Promise<AttachedTo> {
  const resource = await findResource(deps, kind, ref)
  if (resource && namingRight(deps, actor)(resource)) return resource
  throw new GatewayError('dangling_reference', { details: { paths: ['attachTo.ref'] } })
}

/** What is concluded of calls, a page at a time. */
class Comparison {
  skipped = 0
  readonly #changed = new Map<string, ChangedCalls | null>()
  readonly #today: Accesses
  readonly #proposed: Accesses

  constructor(today: ResourceIndex, proposed: ResourceIndex) {
    this.#today = new Accesses(today)
    this.#proposed = new Accesses(proposed)
  }

  add(call: RecordedCall): void {
    const { tokenId, agent, server, tool, at } = call
    const key = JSON.stringify([tokenId, agent?.id, server, tool])
    let known = this.#changed.get(key)
    if (known === undefined) {
      known = this.#compare(call)
      this.#changed.set(key, known)
    }
    if (!this.#today.of(call)) this.skipped++
    if (!known) return
    known.calls++
    known.lastAt = Math.max(known.lastAt, at)
  }

  changes(): ChangedCalls[] {
    return [...this.#changed.values()]
      .filter((change) => change !== null)
      .toSorted((one, other) => other.calls - one.calls || other.lastAt - one.lastAt)
  }

  #compare(call: RecordedCall): ChangedCalls | null {
    const { tokenId, tokenName, agent, server, tool } = call
    const today = this.#today.of(call)?.tool(server, tool)
    const proposed = this.#proposed.of(call)?.tool(server, tool)
    if (!today || !proposed || toOutcome(today) === toOutcome(proposed)) return null
    return {
      token: agent === null ? { id: tokenId, name: tokenName } : null,
      agent,
      server,
      tool,
      calls: 0,
      lastAt: 0,
      today: toOutcome(today),
      proposed: toOutcome(proposed),
      decision: proposed,
    }
  }
}

function toOutcome({ level, isConditional }: Decision): Outcome {
  if (!allowsExecute(level)) return 'denied'
  return isConditional === true ? 'depends' : 'allowed'
}

/** Of tokens and agents, by id, as one index has them. Those that are alike share one. */
class Accesses {
  readonly #index: ResourceIndex
  readonly #pool: AccessPool
  readonly #known = new Map<string, Access | null>()

  constructor(index: ResourceIndex) {
    this.#index = index
    this.#pool = new AccessPool({ ...serverFacts(index), hash: (text) => text })
  }

  of({ tokenId, agent }: Pick<RecordedCall, 'tokenId' | 'agent'>): Access | null {
    const id = agent?.id ?? tokenId
    let access = this.#known.get(id)
    if (access === undefined) {
      const composition = agent === null ? this.#ofToken(id) : this.#ofAgent(id)
      access = composition ? this.#pool.of(composition) : null
      this.#known.set(id, access)
    }
    return access
  }

  #ofToken(id: string): Composition | null {
    const token = this.#index.get('token', id)
    return token ? composeToken(this.#index, token) : null
  }

  /** A session's token names what was attached when it began: taken for what is attached today. */
  #ofAgent(id: string): Composition | null {
    const agent = this.#index.get('agent', id)
    const attached = agent?.spec.servers.map(({ server }) => server) ?? []
    return agent ? composeSession(this.#index, agent, attached) : null
  }
}
