/** JSON-RPC batches: 2025-03-26 requires them, every other revision forbids them. */
import { GatewayError } from '#contract/errors.ts'
import { allowsRead } from '#core/access/decide.ts'
import {
  isJsonObject,
  isNotification,
  isRequest,
  isResponse,
  kindOf,
  toOutcome,
  type RpcRequest,
} from '#core/protocol/json-rpc.ts'
import { claimedRevision } from '#core/protocol/envelope.ts'
import type { ClientSession } from '#gateway/client/client-session.ts'
import type { Gateway } from '#gateway/gateway.ts'
import { responseText } from '#gateway/upstream/answer.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'
import { toRpcFailure } from '#http/errors.ts'
import type { CallReply } from './call-reply.ts'
import { withSession, type PostContext } from './post-context.ts'

/**
 * All of a batch is looked at before any of it is done.
 * @param rules.revision of the session; undefined where there is none
 * @throws GatewayError `batch_not_allowed`, `invalid_request`
 */
export function checkBatch(
  messages: readonly unknown[],
  rules: { revision: string | undefined; batchMessagesMax: number },
): void {
  const { revision, batchMessagesMax } = rules
  const parts = messages.slice(0, batchMessagesMax).filter(isJsonObject)
  const isModern = parts.some(({ params }) => isJsonObject(params) && claimedRevision(params) !== undefined)
  if (revision !== '2025-03-26' || isModern) throw new GatewayError('batch_not_allowed')
  if (messages.length > batchMessagesMax) throw new GatewayError('invalid_request', { details: { batchMessagesMax } })
  const isWrong = messages.length === 0 || messages.some((message) => kindOf(message) === 'invalid')
  if (isWrong || parts.some(({ method }) => method === 'initialize')) throw new GatewayError('invalid_request')
}

export function handleBatch(
  context: PostContext,
  messages: unknown[],
  start: (session: ClientSession, message: RpcRequest, reply: CallReply) => void,
): void {
  withSession(context, { id: null }, (session) => runBatch({ context, session, messages }, start))
}

type Batch = { context: PostContext; session: ClientSession; messages: unknown[] }

/** @throws GatewayError `batch_not_allowed`, `invalid_request` */
function runBatch(
  { context, session, messages }: Batch,
  start: (session: ClientSession, message: RpcRequest, reply: CallReply) => void,
): void {
  const { deps, res, requestId } = context
  checkBatch(messages, { revision: session.revision, batchMessagesMax: deps.limits.batchMessagesMax })
  const requests = messages.filter(isRequest)
  if (context.principal.session) checkTools(context, requests)
  for (const message of messages) takeOther(deps.gateway, session, message)
  if (requests.length === 0) {
    res.writeHead(202).end()
    return
  }
  const joined = new JoinedReply(context, requests.length)
  // Each part listens for the client's going away; how many there are is bounded.
  res.setMaxListeners(requests.length + 20)
  for (const request of requests) start(session, request, joined.part(request, requestId))
}

/**
 * An agent's batch is done whole or not at all: half of what a model has planned may be worse than nothing of it.
 * @throws GatewayError `invalid_params`
 */
function checkTools({ principal, endpoint }: PostContext, requests: readonly RpcRequest[]): void {
  const server = endpoint.upstreams[0]?.name ?? ''
  for (const { method, params } of requests) {
    if (method !== 'tools/call') continue
    const name = params?.['name']
    if (typeof name === 'string' && allowsRead(principal.access.tool(server, name).level)) continue
    throw new GatewayError('invalid_params', {
      details: { reason: 'one call of the batch names no tool of this server' },
    })
  }
}

function takeOther(gateway: Gateway, session: ClientSession, message: unknown): void {
  if (isNotification(message)) gateway.notified(session, message)
  if (!isResponse(message) || message.id === null) return
  const outcome = toOutcome(message)
  if (outcome) gateway.shared.answered(session, message.id, outcome)
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
  return responseText(message.id, answer) ?? ''
}
