/** The use cases of agents' sessions. `session-authority.ts` says who may do what; every change is recorded, and every attempt. */
import { GatewayError } from '#contract/errors.ts'
import { parseBody } from '#contract/parse-body.ts'
import type { Role } from '#contract/role-binding.ts'
import {
  CreateSession,
  ListSessions,
  RefreshToken,
  RenewSession,
  ReportSession,
  SessionId,
  type RefreshedToken,
  type Session,
  type SessionEvent,
  type StartedSession,
} from '#contract/session.ts'
import type { ChangeAction } from '#core/audit/change-log.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { toDead, toRecovered, toReported, toRestarted, type SessionStep } from '#core/session/session-states.ts'
import type { StoredSession } from '#core/session/session-store.ts'
import { refreshSessionToken } from '#core/session/session-token.ts'
import type { Caller } from './actor.ts'
import { changeSession, tellChange } from './change-session.ts'
import { findResource } from './find-resource.ts'
import { recorded } from './recorded.ts'
import { authorizeSession, authorizeStart, visibleSessions } from './session-authority.ts'
import type { SessionDeps } from './session-deps.ts'
import { SessionRoom } from './session-room.ts'
import { chargeStart } from './session-starts.ts'
import { toSession } from './session-view.ts'
import { startRun, type Run } from './start-run.ts'

const eventsMax = 1_000

export type SessionsControl = ReturnType<typeof createSessionsControl>

/** Each throws GatewayError `forbidden` or `no_such_resource` to who may not, and `storage_unavailable` while the store cannot be asked. */
export function createSessionsControl(given: SessionDeps) {
  const deps = { ...given, room: new SessionRoom(given) }
  return {
    /** @throws GatewayError `invalid_body`, `too_many_sessions`, `rate_limited` */
    create: (caller: Caller, body: unknown) => create(deps, caller, body),
    /** Begins a new life, whatever became of the last. @throws GatewayError `invalid_body`, `too_many_sessions`, `rate_limited` */
    restart: (caller: Caller, id: string, body: unknown) => renew(deps, caller, { action: 'restart', id, body }),
    /** Goes on with another harness. @throws GatewayError `invalid_body`, `wrong_status`, `too_many_sessions`, `rate_limited` */
    recover: (caller: Caller, id: string, body: unknown) => renew(deps, caller, { action: 'recover', id, body }),
    /** Of the harness that was started. @throws GatewayError `invalid_body`, `wrong_status` */
    report: (caller: Caller, id: string, body: unknown) => report(deps, caller, { id, body }),
    /** From now on its tokens open nothing. What has ended stays as it is. */
    end: (caller: Caller, id: string) => end(deps, caller, id),
    /** The newest first. @throws GatewayError `invalid_body` */
    list: (caller: Caller, query: unknown) => list(deps, caller, query),
    async get(caller: Caller, id: string): Promise<Session> {
      return toSession(deps, await getStored(deps, caller, { id, role: 'view' }))
    },
    /** Of which agent it is, whoever asks; null: there is none of this id. */
    async agentIdOf(id: string): Promise<string | null> {
      return (await findStored(deps, id))?.agentId ?? null
    },
    /** The last thousand, in their order. */
    async events(caller: Caller, id: string): Promise<SessionEvent[]> {
      const session = await getStored(deps, caller, { id, role: 'view' })
      return deps.sessions.events(session.id, eventsMax)
    },
    /** Asks no store, and nobody's rights but the token's. @throws GatewayError `invalid_params`, `unauthorized` */
    refresh: (body: unknown, request = noRequest): RefreshedToken => refresh(deps, body, request),
  }
}

type Deps = SessionDeps & { room: SessionRoom }

async function create(deps: Deps, caller: Caller, body: unknown): Promise<StartedSession> {
  return recorded(deps, { caller, action: 'create', kind: 'session', name: '' }, async (note) => {
    const asked = parseBody(CreateSession, body)
    const agent = authorizeStart(caller.actor, await findResource(deps, 'agent', asked.agent))
    note.name = agent.name
    await chargeStart(deps, caller.actor, agent.id)
    using _place = deps.room.take(agent.id)
    const session = newSession(deps, { agent, asked, by: caller.actor.id })
    const run = startRun(deps, { session, agent, prompt: asked.prompt })
    const created: SessionEvent = { at: session.createdAt, kind: 'created', by: caller.actor.id }
    await deps.sessions.create(session, [created, ...run.warnings])
    note.id = session.id
    tellChange(deps, session)
    return { session: toSession(deps, session), ...run }
  })
}

type New = { agent: Resource<'agent'>; asked: CreateSession; by: string }

function newSession({ clock, newId }: SessionDeps, { agent, asked, by }: New): StoredSession {
  const now = clock.now()
  return {
    id: newId('ses'),
    agentId: agent.id,
    status: 'creating',
    run: 1,
    title: asked.title ?? null,
    details: asked.details,
    failureReason: null,
    version: 1,
    createdAt: now,
    createdBy: by,
    updatedAt: now,
    readyAt: null,
    expiresAt: now + asked.lifetimeMs,
    endedAt: null,
  }
}

type Renewal = { action: 'restart' | 'recover'; id: string; body: unknown }

async function renew(deps: Deps, caller: Caller, { action, id, body }: Renewal): Promise<StartedSession> {
  return changing(deps, { caller, action, id, role: 'edit' }, async (seen, by) => {
    const { prompt, lifetimeMs } = parseBody(RenewSession, body)
    const agent = await agentOf(deps, seen)
    await chargeStart(deps, caller.actor, agent.id)
    const step = (before: StoredSession): SessionStep & { run: Run } => {
      const moment = { now: deps.clock.now(), by }
      const next = action === 'restart' ? toRestarted(before, moment, lifetimeMs) : toRecovered(before, moment)
      const run = startRun(deps, { session: next.session, agent, prompt })
      return { session: next.session, events: [...next.events, ...run.warnings], run }
    }
    using _place = seen.endedAt === null ? null : deps.room.take(agent.id)
    const { session, done } = await changeSession(deps, seen.id, step)
    if (!done) throw new GatewayError('internal')
    return { session: toSession(deps, session), ...done.run }
  })
}

/** @throws GatewayError `no_such_resource` */
async function agentOf(deps: SessionDeps, { agentId }: StoredSession): Promise<Resource<'agent'>> {
  const agent = await findResource(deps, 'agent', agentId)
  // A name that is spelled like the id of an agent that is gone is another agent's.
  if (agent?.id !== agentId) throw new GatewayError('no_such_resource')
  return agent
}

async function report(deps: SessionDeps, caller: Caller, { id, body }: Pick<Renewal, 'id' | 'body'>): Promise<Session> {
  return changing(deps, { caller, action: 'update', id, role: 'edit' }, async (seen, by) => {
    const said = parseBody(ReportSession, body)
    const step = (before: StoredSession) => toReported(before, { now: deps.clock.now(), by }, said)
    const { session } = await changeSession(deps, seen.id, step)
    return toSession(deps, session)
  })
}

async function end(deps: SessionDeps, caller: Caller, id: string): Promise<Session> {
  return changing(deps, { caller, action: 'end', id, role: 'delete' }, async (seen, by) => {
    const step = (before: StoredSession) => toDead(before, { now: deps.clock.now(), by }, 'ended')
    const { session } = await changeSession(deps, seen.id, step)
    return toSession(deps, session)
  })
}

type Changing = { caller: Caller; action: ChangeAction; id: string; role: Role }

/** One change of a session that exists, by somebody who may. */
function changing<Result>(
  deps: SessionDeps,
  { caller, action, id, role }: Changing,
  run: (seen: StoredSession, by: string) => Promise<Result>,
): Promise<Result> {
  return recorded(deps, { caller, action, kind: 'session', name: '' }, async (note) => {
    const seen = await getStored(deps, caller, { id, role })
    Object.assign(note, { id: seen.id, name: deps.index.get('agent', seen.agentId)?.name ?? '' })
    return run(seen, caller.actor.id)
  })
}

/** @throws GatewayError `forbidden`, `no_such_resource` */
async function getStored(
  deps: SessionDeps,
  { actor }: Caller,
  { id, role }: { id: string; role: Role },
): Promise<StoredSession> {
  return authorizeSession(actor, { role, session: await findStored(deps, id) })
}

async function findStored({ sessions }: SessionDeps, id: string): Promise<StoredSession | null> {
  return SessionId.safeParse(id).success ? sessions.get(id) : null
}

async function list(deps: SessionDeps, { actor }: Caller, query: unknown): Promise<Session[]> {
  const { agent: ref, status, limit, after } = parseBody(ListSessions, query)
  const agent = ref === undefined ? null : await findResource(deps, 'agent', ref)
  // An agent that is gone may have left sessions: they are found by its id.
  const agentId = agent?.id ?? ref
  const within = visibleSessions(actor)
  const sessions = await deps.sessions.list({
    limit,
    ...(agentId === undefined ? {} : { agentId }),
    ...(status === undefined ? {} : { status }),
    ...(after === undefined ? {} : { after }),
    ...(within === undefined ? {} : { within }),
  })
  return sessions.map((session) => toSession(deps, session))
}

type Request = Pick<Caller, 'requestId' | 'changedBy'>
const noRequest: Request = { requestId: '', changedBy: '' }

function refresh({ keys, clock, index, changes }: SessionDeps, body: unknown, request: Request): RefreshedToken {
  const asked = RefreshToken.safeParse(body)
  // RFC 6749 §5.2: 400, where other bodies here are 422.
  if (!asked.success) throw new GatewayError('invalid_params', { details: { reason: 'refresh_token: must be a text' } })
  const now = clock.now()
  const fresh = refreshSessionToken(asked.data.refresh_token, { keys, now })
  if (!fresh) throw new GatewayError('unauthorized')
  const { agentId, sessionId } = fresh
  const name = index.get('agent', agentId)?.name ?? ''
  const { requestId, changedBy } = request
  changes.append({
    at: now,
    requestId,
    actor: { kind: 'agent', id: agentId, name },
    changedBy,
    action: 'refresh',
    resource: { kind: 'session', id: sessionId, name },
    changed: [],
    outcome: 'ok',
  })
  return { access_token: fresh.text, expires_in: fresh.expiresIn, token_type: 'Bearer' }
}
