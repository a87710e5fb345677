/** How a session and its events stand in their tables. */
import type { Selectable } from 'kysely'
import { GatewayError } from '#contract/errors.ts'
import { SessionEvent, SessionStatus } from '#contract/session.ts'
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'
import type { StoredSession } from '#core/session/session-store.ts'
import type { SessionEventTable, SessionTable } from './tables.ts'

export type SessionRow = Omit<Selectable<SessionTable>, 'change_number'>

export function toSessionRow(session: StoredSession): SessionRow {
  const { run, title, details, failureReason, readyAt } = session
  return {
    id: session.id,
    agent_id: session.agentId,
    status: session.status,
    created_at: session.createdAt,
    created_by: session.createdBy,
    updated_at: session.updatedAt,
    expires_at: session.expiresAt,
    ended_at: session.endedAt,
    details: JSON.stringify({ run, title, details, failureReason, readyAt }),
    version: session.version,
  }
}

/** @throws GatewayError `internal`: stored data is input too, and half a session must not become one that is open */
export function toStoredSession(row: SessionRow): StoredSession {
  const { run, title, details, failureReason, readyAt } = parseObject(row.details)
  const status = SessionStatus.safeParse(row.status).data
  if (status === undefined || !Number.isSafeInteger(run) || !isTexts(details)) throw unreadable(row.id)
  return {
    id: row.id,
    agentId: row.agent_id,
    status,
    run: Number(run),
    title: typeof title === 'string' ? title : null,
    details,
    failureReason: typeof failureReason === 'string' ? failureReason : null,
    version: row.version,
    createdAt: row.created_at,
    createdBy: row.created_by,
    updatedAt: row.updated_at,
    readyAt: typeof readyAt === 'number' ? readyAt : null,
    expiresAt: row.expires_at,
    endedAt: row.ended_at,
  }
}

export type SessionEventRow = Omit<Selectable<SessionEventTable>, 'id'>

export function toEventRow(sessionId: string, { at, kind, ...details }: SessionEvent): SessionEventRow {
  return { session_id: sessionId, at, kind, details: JSON.stringify(details) }
}

/** @throws GatewayError `internal` */
export function toSessionEvent({ session_id: id, at, kind, details }: SessionEventRow): SessionEvent {
  const parsed = SessionEvent.safeParse({ ...parseObject(details), at, kind })
  if (!parsed.success) throw unreadable(id)
  return parsed.data
}

function parseObject(text: string): JsonObject {
  const value: unknown = JSON.parse(text)
  return isJsonObject(value) ? value : {}
}

function isTexts(value: unknown): value is Record<string, string> {
  return isJsonObject(value) && Object.values(value).every((entry) => typeof entry === 'string')
}

function unreadable(sessionId: string): GatewayError {
  return new GatewayError('internal', { details: { reason: 'A stored session cannot be read.', sessionId } })
}
