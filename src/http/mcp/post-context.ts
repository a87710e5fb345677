/** One POST to an MCP endpoint, and the session it belongs to. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { GatewayError } from '#contract/errors.ts'
import { single } from '#core/protocol/mcp-headers.ts'
import { isLegacyRevision } from '#core/protocol/revisions.ts'
import type { ClientSession } from '#gateway/client/client-session.ts'
import type { Caller, EntranceDeps } from './entrance.ts'
import type { OpenReplies } from './open-replies.ts'
import type { SessionStreams } from './session-streams.ts'

export type PostDeps = EntranceDeps & { replies: OpenReplies; streams: SessionStreams }

export type PostContext = Caller & {
  req: IncomingMessage
  res: ServerResponse
  requestId: string
  /** Unix time in milliseconds. */
  receivedAt: number
  deps: PostDeps
}

/** @throws GatewayError `session_required`, `session_not_found`, `unsupported_protocol_version` */
export function requireSession({
  req,
  principal,
  address,
  deps,
}: Pick<PostContext, 'req' | 'principal' | 'address' | 'deps'>): ClientSession {
  const id = single(req.headers, 'mcp-session-id')
  if (id === undefined) throw new GatewayError('session_required')
  const session = deps.gateway.sessions.get(id, principal, address)
  const revision = single(req.headers, 'mcp-protocol-version')
  if (revision !== undefined && !isLegacyRevision(revision)) {
    throw new GatewayError('unsupported_protocol_version', {
      details: { supported: [session.revision], requested: revision.slice(0, 64) },
    })
  }
  session.lastUsedAt = deps.now()
  return session
}
