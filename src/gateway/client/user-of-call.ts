import { toSessionUser, type SessionUser } from '#gateway/upstream/session-user.ts'
import type { ClientCall } from './client-call.ts'

export function userOfCall({
  principal,
  session,
  facts,
}: Pick<ClientCall, 'principal' | 'session' | 'facts'>): SessionUser {
  return toSessionUser(principal, { sessionId: session?.id ?? null, capabilities: facts.capabilities })
}
