/**
 * Whether a session's token opens an address of the broker, and why not. Asked on each request, of memory alone, before any upstream is.
 *
 * 1. The token is good. (`session-token.ts`; nothing below is asked before.)
 * 2. It is this session's. Whoever holds another one's token is told the same whether this session exists or not.
 * 3. What this replica knows is not too old to say anything.
 * 4. The session exists, is of the token's agent, has not ended, and is in the run that the token was made for.
 * 5. The agent names any server at all.
 * 6. The name in the address means exactly one server, whose id the agent names now, and the token named when it was made. A name
 *    alone never opens anything: a server that takes another's name has another id.
 */
import type { ErrorCode } from '#contract/errors.ts'
import type { SessionClaims } from './session-token.ts'
import type { StoredSession } from './session-store.ts'

/** Where a request goes: what stands in its address. */
export type BrokerAddress = { sessionId: string; server: string }

export type AttachedServer = { id: string; name: string }

/** What is known at this moment. */
export interface BrokerFacts {
  /** False where changes may have been missed for longer than is allowed. */
  readonly isCurrent: boolean
  session(id: string): StoredSession | undefined
  /** Ids of the servers that the agent names now; none where the agent is gone. */
  attachedTo(agentId: string): ReadonlySet<string>
  /** Every enabled server that has this name or alias. */
  serversNamed(name: string): readonly AttachedServer[]
}

type BrokerRefusal = Extract<
  ErrorCode,
  'forbidden' | 'storage_unavailable' | 'session_not_found' | 'session_over' | 'server_not_attached'
>

export type BrokerVerdict = { session: StoredSession; server: AttachedServer } | { code: BrokerRefusal }

type Question = { address: BrokerAddress; claims: SessionClaims; /** Unix milliseconds. */ now: number }

export function checkBroker(facts: BrokerFacts, { address, claims, now }: Question): BrokerVerdict {
  if (claims.session_id !== address.sessionId) return { code: 'forbidden' }
  if (!facts.isCurrent) return { code: 'storage_unavailable' }
  const session = facts.session(address.sessionId)
  if (!session) return { code: 'session_not_found' }
  if (session.agentId !== claims.agent_id) return { code: 'forbidden' }
  if (!isOpen(session, claims.run, now)) return { code: 'session_over' }
  const attached = facts.attachedTo(session.agentId)
  const server = attached.size === 0 ? null : findAttached(facts.serversNamed(address.server), attached, claims)
  return server ? { session, server } : { code: 'server_not_attached' }
}

/** Whether tokens of this run of the session are still good. */
function isOpen({ status, run, expiresAt }: StoredSession, tokenRun: number, now: number): boolean {
  return (status === 'creating' || status === 'ready') && run === tokenRun && expiresAt > now
}

/** Of two servers that one name means nobody knows which was meant. */
function findAttached(
  named: readonly AttachedServer[],
  attached: ReadonlySet<string>,
  claims: SessionClaims,
): AttachedServer | null {
  const [only, ...others] = named
  if (!only || others.length > 0) return null
  return attached.has(only.id) && claims.servers.includes(only.id) ? only : null
}
