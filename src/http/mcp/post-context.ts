/** One POST to an MCP endpoint, and the session it belongs to. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { GatewayError } from '#contract/errors.ts'
import { single } from '#core/protocol/mcp-headers.ts'
import type { RequestId } from '#core/protocol/json-rpc.ts'
import { isLegacyRevision } from '#core/protocol/revisions.ts'
import type { ClientSession } from '#gateway/client/client-session.ts'
import { refuse } from '#http/refuse.ts'
import type { Caller, EntranceDeps } from './entrance.ts'
import type { OpenReplies } from './open-replies.ts'
import type { SessionStreams } from './session-streams.ts'
import type { StreamsElsewhere } from './streams-elsewhere.ts'

export type PostDeps = EntranceDeps & {
  replies: OpenReplies
  streams: SessionStreams
  streamsElsewhere: StreamsElsewhere
}

export type PostContext = Caller & {
  req: IncomingMessage
  res: ServerResponse
  requestId: string
  /** Unix time in milliseconds. */
  receivedAt: number
  deps: PostDeps
}

type Asking = Pick<PostContext, 'req' | 'principal' | 'address' | 'receivedAt' | 'deps'>

/**
 * The session that a request belongs to, where this replica knows it; null: another one may.
 * @throws GatewayError `session_required`, `session_not_found`, `unsupported_protocol_version`
 */
export function knownSession({ req, principal, address, receivedAt, deps }: Asking): ClientSession | null {
  const id = single(req.headers, 'mcp-session-id')
  if (id === undefined) throw new GatewayError('session_required')
  const session = deps.gateway.sessions.find(id, principal, address)
  if (!session) return null
  checkRevision(req, session)
  session.lastUsedAt = receivedAt
  return session
}

/** @throws GatewayError `unsupported_protocol_version` */
function checkRevision(req: IncomingMessage, session: ClientSession): void {
  const revision = single(req.headers, 'mcp-protocol-version')
  if (revision === undefined || isLegacyRevision(revision)) return
  throw new GatewayError('unsupported_protocol_version', {
    details: { supported: [session.revision], requested: revision.slice(0, 64) },
  })
}

/** What is refused where there is no such session, and where the task throws. */
type Refused = { id: RequestId | null; method?: string }

/** Has `task` done with the session that a request belongs to, wherever it was opened. */
export function withSession(context: PostContext, refused: Refused, task: (session: ClientSession) => void): void {
  try {
    const session = knownSession(context)
    if (session) task(session)
    else takeUpSession(context, refused, task)
  } catch (error) {
    refuse(context, error, refused)
  }
}

/** The same where this replica does not know the session: it asks what the others know. Nothing waits for that on the path of a call. */
export function takeUpSession(context: PostContext, refused: Refused, task: (session: ClientSession) => void): void {
  const { req, res, deps } = context
  const use = (session: ClientSession): void => {
    checkRevision(req, session)
    session.lastUsedAt = deps.now()
    if (!res.destroyed) task(session)
  }
  const fail = (error: unknown): void => {
    refuse(context, error, refused)
    // What is left of a body that nobody reads must not hold the connection.
    if (!req.complete) req.resume()
  }
  const id = single(req.headers, 'mcp-session-id') ?? ''
  deps.gateway.takeUpSession(id, context).then(use).catch(fail)
}
