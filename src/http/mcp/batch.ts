/** JSON-RPC batches: 2025-03-26 requires them, every other revision forbids them. */
import { GatewayError } from '#contract/errors.ts'
import {
  isRequestId,
  kindOf,
  toResponse,
  type JsonObject,
  type RpcNotification,
  type RpcRequest,
} from '#core/protocol/json-rpc.ts'
import { claimedRevision } from '#core/protocol/envelope.ts'
import type { ClientSession } from '#gateway/client/client-session.ts'
import { rawText, toOutcome } from '#gateway/upstream/answer.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'
import { toRpcFailure } from '#http/errors.ts'
import type { CallReply } from './call-reply.ts'
import { requireSession, type PostContext } from './post-context.ts'

/** @throws GatewayError `batch_not_allowed`, `invalid_request` */
export function handleBatch(
  context: PostContext,
  messages: unknown[],
  start: (session: ClientSession, message: RpcRequest, reply: CallReply) => void,
): void {
  const { deps, res, requestId } = context
  const session = requireSession(context)
  const { batchMessagesMax } = deps.limits
  const isModern = messages.some(
    (message) => claimedRevision((message as JsonObject | null)?.['params'] as JsonObject | undefined) !== undefined,
  )
  if (session.revision !== '2025-03-26' || isModern) throw new GatewayError('batch_not_allowed')
  if (messages.length === 0) throw new GatewayError('invalid_request')
  if (messages.length > batchMessagesMax) throw new GatewayError('invalid_request', { details: { batchMessagesMax } })
  const kinds = messages.map(kindOf)
  if (kinds.includes('invalid')) throw new GatewayError('invalid_request')
  const requests = messages.filter((_message, index) => kinds[index] === 'request') as RpcRequest[]
  if (requests.some(({ method }) => method === 'initialize')) throw new GatewayError('invalid_request')
  for (const [index, message] of messages.entries())
    takeOther(context, session, { kind: kinds[index], message: message as JsonObject })
  if (requests.length === 0) {
    res.writeHead(202).end()
    return
  }
  const joined = new JoinedReply(context, requests.length)
  for (const request of requests) start(session, request, joined.part(request, requestId))
}

function takeOther(
  { deps }: PostContext,
  session: ClientSession,
  part: { kind: string | undefined; message: JsonObject },
): void {
  const { kind, message } = part
  if (kind === 'notification') deps.gateway.notified(session, message as RpcNotification)
  const outcome = kind === 'response' ? toOutcome(message) : undefined
  if (outcome && isRequestId(message['id'])) session.answer(message['id'], outcome)
}

/** Collects the answers of a batch into one JSON array. */
class JoinedReply {
  readonly #context: PostContext
  readonly #answers: string[] = []
  #open: number

  constructor(context: PostContext, count: number) {
    this.#context = context
    this.#open = count
  }

  part(message: RpcRequest, requestId: string): CallReply {
    return {
      startedAt: this.#context.deps.now(),
      isResumable: false,
      // A JSON array has no room for what comes before an answer.
      ask: null,
      notify: () => undefined,
      keepAlive: () => undefined,
      finish: (answer) => this.#take(toText(message, answer)),
      fail: (error) => this.#take(JSON.stringify(toRpcFailure(message.id, error, requestId))),
    }
  }

  #take(json: string): void {
    this.#answers.push(json)
    if (--this.#open > 0) return
    const { res } = this.#context
    if (res.destroyed) return
    const body = `[${this.#answers.join(',')}]`
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    res.end(body)
  }
}

function toText(message: RpcRequest, answer: Answer): string {
  if ('streamed' in answer) return ''
  return 'raw' in answer ? rawText(answer) : JSON.stringify(toResponse(message.id, answer))
}
