/** Streamable HTTP, POST: one JSON-RPC message of either era (or a batch, where 2025-03-26 has them). */
import type { IncomingMessage } from 'node:http'
import { GatewayError, toGatewayError } from '#contract/errors.ts'
import { eraOfMessage } from '#core/protocol/classify.ts'
import { metaOf, readClientFacts, type ClientFacts } from '#core/protocol/envelope.ts'
import {
  isJsonObject,
  isNotification,
  isRequest,
  isRequestId,
  isResponse,
  toOutcome,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
} from '#core/protocol/json-rpc.ts'
import { modernRevision, type Era } from '#core/protocol/revisions.ts'
import { isDeeperThan, scanRequest, type LargeRequest } from '#core/protocol/scan.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import type { ClientSession } from '#gateway/client/client-session.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'
import { sendFailure } from '#http/errors.ts'
import { readBody } from '#http/read-body.ts'
import { refuse } from '#http/refuse.ts'
import { handleBatch } from './batch.ts'
import type { CallReply } from './call-reply.ts'
import { knownSession, takeUpSession, withSession, type PostContext } from './post-context.ts'
import { PostReply } from './post-reply.ts'

/** Above this a request is sent on in its own text. */
const serialisedCharsMax = 16_384

export function handlePost(context: PostContext): void {
  const { req, deps } = context
  checkMediaTypes(req)
  readBody(req, deps, (body) => {
    if (body instanceof GatewayError) return refuse(context, body)
    try {
      receive(context, body)
    } catch (error) {
      refuse(context, error)
    }
  })
}

const usualAccept = 'application/json, text/event-stream'

/** @throws GatewayError `unsupported_media_type`, `not_acceptable` */
function checkMediaTypes(req: IncomingMessage): void {
  const given = req.headers['content-type'] ?? ''
  const type = given === 'application/json' ? given : given.split(';', 1)[0]?.trim().toLowerCase()
  if (type !== 'application/json') throw new GatewayError('unsupported_media_type')
  if (req.headers.accept === usualAccept) return
  const accept = (req.headers.accept ?? '*/*').toLowerCase()
  if (accept.includes('*/*')) return
  const takesJson = accept.includes('application/json') || accept.includes('application/*')
  if (!takesJson || !accept.includes('text/event-stream')) throw new GatewayError('not_acceptable')
}

function receive(context: PostContext, text: string): void {
  const { limits } = context.deps
  let message: unknown
  try {
    message = JSON.parse(text)
  } catch {
    throw new GatewayError('parse_error')
  }
  const isLarge = text.length > serialisedCharsMax
  const scan = isLarge ? scanRequest(text, limits.requestDepthMax) : null
  if (scan ? scan.isTooDeep : isDeeperThan(message, limits.requestDepthMax)) {
    throw new GatewayError('body_too_deep', { details: { requestDepthMax: limits.requestDepthMax } })
  }
  if (Array.isArray(message))
    return handleBatch(context, message, (session, part, reply) =>
      startCall(context, { session, message: part, era: 'legacy', large: null, reply }),
    )
  const large = scan?.spans ? { text, ...scan.spans } : null
  receiveOne(context, message, large)
}

function receiveOne(context: PostContext, message: unknown, large: LargeRequest | null): void {
  if (isRequest(message)) return receiveRequest(context, message, large)
  if (isNotification(message)) return receiveNotification(context, message)
  if (isResponse(message)) return receiveResponse(context, message)
  const id = isJsonObject(message) ? message['id'] : null
  refuse(context, new GatewayError('invalid_request'), { id: isRequestId(id) ? id : null })
}

function receiveRequest(context: PostContext, message: RpcRequest, large: LargeRequest | null): void {
  try {
    const era = eraOfMessage(message, context.req.headers)
    if (era === 'modern') return startCall(context, { session: null, message, era, large, reply: null })
    if (message.method === 'initialize') {
      void openSession(context, message)
      return
    }
    const session = knownSession(context)
    if (session) startCall(context, { session, message, era, large, reply: null })
    else
      takeUpSession(context, message, (own) => startCall(context, { session: own, message, era, large, reply: null }))
  } catch (error) {
    refuse(context, error, message)
  }
}

function receiveNotification(context: PostContext, note: RpcNotification): void {
  const { req, res, deps } = context
  const refused = { id: null, method: note.method }
  try {
    // Modern HTTP has no client notifications; one that comes is taken and means nothing.
    if (eraOfMessage(note, req.headers) === 'modern') return void res.writeHead(202).end()
  } catch (error) {
    return refuse(context, error, refused)
  }
  withSession(context, refused, (session) => {
    deps.gateway.notified(session, note)
    res.writeHead(202).end()
  })
}

function receiveResponse(context: PostContext, message: RpcResponse): void {
  const { res, deps } = context
  withSession(context, { id: null }, (session) => {
    const outcome = toOutcome(message)
    if (message.id !== null && outcome) deps.gateway.shared.answered(session, message.id, outcome)
    res.writeHead(202).end()
  })
}

async function openSession(context: PostContext, message: RpcRequest): Promise<void> {
  const { deps, res, requestId } = context
  try {
    const { session, result } = await deps.gateway.openSession(context, message.params)
    await deps.gateway.shared.share(session)
    if (res.destroyed) return session.end()
    const body = JSON.stringify({ jsonrpc: '2.0', id: message.id, result })
    res.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'mcp-session-id': session.id,
    })
    res.end(body)
  } catch (error) {
    const failure = toGatewayError(error)
    if (failure.code === 'internal') deps.onError(error, requestId)
    sendFailure(res, failure, { requestId, id: message.id })
  }
}

type Start = {
  session: ClientSession | null
  message: RpcRequest
  era: Era
  large: LargeRequest | null
  reply: CallReply | null
}

function startCall(context: PostContext, start: Start): void {
  const { req, res, principal, endpoint, address, requestId, receivedAt, deps } = context
  const { session, message, era, large } = start
  const cancellation = new Cancellation()
  const streams = session ? deps.streams.of(session) : null
  const own = start.reply ? null : new PostReply({ res, era, id: message.id, session, streams, requestId }, receivedAt)
  const reply = start.reply ?? own
  if (!reply) return
  const forget = deps.replies.add(reply)
  // The connection of a resumable stream may go: the client comes back for the answer.
  res.on('close', () => {
    if (!reply.isResumable) cancellation.cancel()
  })
  const fail = (error: unknown): void => {
    forget()
    const failure = toGatewayError(error)
    if (failure.code === 'internal') deps.onError(error, requestId)
    reply.fail(failure)
  }
  const finish = (answer: Answer): void => {
    try {
      reply.finish(answer)
      forget()
    } catch (error) {
      fail(error)
    }
  }
  const call = {
    principal,
    endpoint,
    address,
    era,
    revision: session?.revision ?? modernRevision,
    facts: session?.facts ?? clientFacts(message),
    session,
    message,
    large,
    headers: req.headers,
    reply,
    sink: own,
    cancellation,
    requestId,
    receivedAt,
  }
  deps.gateway.run(call, finish, fail)
}

function clientFacts(message: RpcRequest): ClientFacts {
  return readClientFacts(metaOf(message.params) ?? {})
}
