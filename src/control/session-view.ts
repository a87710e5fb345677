import type { Session } from '#contract/session.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { StoredSession } from '#core/session/session-store.ts'

/** A session as people and platforms see it. */
export function toSession({ index }: { index: Pick<ResourceIndex, 'get'> }, stored: StoredSession): Session {
  const { version: _version, updatedAt: _updatedAt, title, ...rest } = stored
  const agentName = index.get('agent', stored.agentId)?.name ?? ''
  return { ...rest, details: { ...stored.details }, agentName, ...(title === null ? {} : { title }) }
}
