/** Step 8 of a call: to the pooled upstream session, in that session's era, and the answer back in the client's. */
import { toOutcome, type Outcome, type Question, type RpcNotification } from '#core/protocol/json-rpc.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'
import { userOfCall } from '#gateway/client/user-of-call.ts'
import { endingOf, parseMessage, rawText } from '#gateway/upstream/answer.ts'
import { canBeMended, mend, tryForTheLastTime } from '#gateway/upstream/second-chance.ts'
import type { SessionUser } from '#gateway/upstream/session-user.ts'
import type { Answer, CallHooks, UpstreamCall, UpstreamSession } from '#gateway/upstream/upstream-session.ts'
import { buildParamHeaders } from '#core/protocol/mcp-headers.ts'
import { canAnswer } from '#core/protocol/capabilities.ts'
import { isHeaderMismatch, renewTarget } from './header-mismatch.ts'
import { callModern, type LegacyToModernDeps } from './legacy-to-modern.ts'
import { ensureLogLevel, isLoudEnough } from '#gateway/client/log-level.ts'
import type { RequestStates } from './request-states.ts'
import { callLegacy, type ModernToLegacyDeps } from './modern-to-legacy.ts'
import type { ParkedElsewhere } from './parked-elsewhere.ts'
import type { Target } from './target.ts'

export type ForwardDeps = LegacyToModernDeps &
  ModernToLegacyDeps & { requestStates: RequestStates; parkedElsewhere: Pick<ParkedElsewhere, 'resume'> }

/** A modern client's `requestState` is opened on its way up, and sealed on its way down. */
export function forward(call: ClientCall, target: Target, deps: ForwardDeps): Promise<Answer> {
  const { requestState } = target.params
  if (call.era === 'legacy' || requestState === undefined) return forwardOpen(call, target, deps)
  const opened = deps.requestStates.open(requestState, ownerOfState(call, target))
  const sent = { ...target, params: { ...target.params, requestState: opened } }
  const elsewhere = deps.parkedElsewhere.resume(call, sent)
  if (!elsewhere) return forwardOpen(call, sent, deps)
  return elsewhere.then((answer) => handOver(call, sent, { answer, deps }))
}

/** The server sees itself to the rest of what its state is for. */
function ownerOfState(call: ClientCall, { upstream, method, params }: Target): string {
  return JSON.stringify([call.principal.id, upstream.name, method, params['name'] ?? params['uri'] ?? null])
}

/** No turn is waited that need not be: with an open session the request is on the wire when this returns. */
function forwardOpen(call: ClientCall, target: Target, deps: ForwardDeps): Promise<Answer> {
  const user = userWithCookies(call, target, deps)
  const place = target.upstream.place(user)
  place.use(user.principalId)
  call.session?.join(place)
  const acquired = place.acquire()
  const answer =
    acquired instanceof Promise
      ? acquired.then((session) => relay(call, target, { session, deps }))
      : relay(call, target, { session: acquired, deps })
  return answer.then(
    (first) =>
      call.era === 'modern' && isHeaderMismatch(first)
        ? correct(call, target, { answer: first, user, deps })
        : handOver(call, target, { answer: first, deps }),
    (failure: unknown) => {
      if (!canBeMended(failure)) throw failure
      return mend(place, failure).then(() => retry(call, target, { user, deps }))
    },
  )
}

/** Who brings cookies shares no session with who brings others. */
function userWithCookies(call: ClientCall, target: Target, { hash }: Pick<ForwardDeps, 'hash'>): SessionUser {
  const user = userOfCall(call)
  const cookie = cookieOf(call, target)
  return cookie === null ? user : { ...user, cookies: hash(cookie) }
}

function cookieOf({ headers }: ClientCall, { upstream }: Target): string | null {
  const { cookie } = upstream.forwarding
  return cookie === null || headers === null ? null : cookie(headers['cookie'])
}

/** A channel's messages have no headers. */
export function headersFromCaller(call: ClientCall, target: Target): string[] {
  if (call.headers === null) return []
  const headers = target.upstream.forwarding.fromCaller(call.headers)
  const cookie = cookieOf(call, target)
  if (cookie !== null) headers.push('cookie', cookie)
  return headers
}

type Again = { user: SessionUser; deps: ForwardDeps }

async function retry(call: ClientCall, target: Target, { user, deps }: Again): Promise<Answer> {
  // The place may be another by now: one that nobody joined goes with its session.
  const place = target.upstream.place(user)
  place.use(user.principalId)
  call.session?.join(place)
  const answer = await tryForTheLastTime(place, (session) => relay(call, target, { session, deps }))
  return handOver(call, target, { answer, deps })
}

/** A client with headers of its own is told, and finds the new list when it asks; a channel has none: they are made anew, once. */
async function correct(
  call: ClientCall,
  target: Target,
  given: { answer: Answer; user: SessionUser; deps: ForwardDeps },
): Promise<Answer> {
  const renewing = renewTarget(target, call, given.deps.lists)
  const renewed = call.headers === null ? await renewing : null
  return renewed ? retry(call, renewed, given) : handOver(call, target, given)
}

function relay(
  call: ClientCall,
  target: Target,
  context: { session: UpstreamSession; deps: ForwardDeps },
): Promise<Answer> {
  const { session, deps } = context
  const headers = headersFromCaller(call, target)
  if (call.era === 'legacy' && session.facts.era === 'modern')
    return callModern(session, target, { call, headers, deps })
  if (call.era === 'modern' && session.facts.era === 'legacy')
    return callLegacy(session, target, { call, headers, deps })
  return relaySame(call, target, { session, headers })
}

/** Both sides speak one era: the message goes as it is, and the answer comes as it is. */
function relaySame(
  call: ClientCall,
  target: Target,
  context: { session: UpstreamSession; headers: readonly string[] },
): Promise<Answer> {
  const { session } = context
  const request: UpstreamCall = {
    method: target.method,
    params: target.params,
    headers: call.era === 'modern' ? withMirrored(context.headers, target) : context.headers,
    raw: {
      id: call.message.id,
      large: canGoAsText(target) ? call.large : null,
      sink: target.toExposed ? null : call.sink,
    },
  }
  const hooks = new SameEraHooks(call, target.upstream.name)
  if (call.era === 'modern' || call.facts.logLevel === undefined) return session.call(request, hooks)
  return ensureLogLevel(session, call.facts.logLevel).then(() => session.call(request, hooks))
}

/**
 * Not where the text holds the state as the client has it, or arguments that a header repeats: of two equal keys only the last was
 * compared.
 */
function canGoAsText({ method, params, paramHeaders }: Target): boolean {
  return method === 'tools/call' && params['requestState'] === undefined && paramHeaders.length === 0
}

/** What a client is told, and asked, while its call is under way at a server of its own era. */
export class SameEraHooks implements CallHooks {
  readonly cancellation: ClientCall['cancellation']
  readonly owner: string
  readonly #call: ClientCall
  readonly #server: string

  constructor(call: ClientCall, server: string) {
    this.#call = call
    this.#server = server
    this.cancellation = call.cancellation
    this.owner = call.principal.id
  }

  notify(note: RpcNotification): void {
    const { reply, facts, session } = this.#call
    if (note.method === 'notifications/message' && !isLoudEnough(note, facts.logLevel)) return
    reply.notify(session ? session.tasks.toClient(this.#server, note) : note)
  }

  ask(question: Question): Promise<Outcome> {
    const { reply, facts, session } = this.#call
    const { ask } = reply
    if (!ask || !canAnswer(facts.capabilities, question.method)) return Promise.resolve(cannotAnswer)
    const asking = (asked: Question): Promise<Outcome> => ask.call(reply, asked, this.cancellation)
    return session ? session.tasks.ask(this.#server, question, asking) : asking(question)
  }

  waiting(): void {
    this.#call.reply.waiting?.()
  }

  /** It is kept when the call is long over, and holds nothing of it. */
  get later(): (note: RpcNotification) => void {
    const { session } = this.#call
    const server = this.#server
    return (note) => session?.say(server, note)
  }

  concernsTask(taskId: string): boolean | undefined {
    return this.#call.session?.tasks.concerns(this.#server, taskId)
  }
}

const cannotAnswer = { error: { code: -32601, message: 'The client did not declare this capability.' } }

/** `mcp-param-*` headers are made of the arguments that were decided on: a client's own have been compared with them, and go no further. */
function withMirrored(headers: readonly string[], { paramHeaders, params }: Target): readonly string[] {
  return paramHeaders.length === 0 ? headers : [...headers, ...buildParamHeaders(paramHeaders, params['arguments'])]
}

/** The answer as its client may have it. */
function handOver(call: ClientCall, target: Target, given: { answer: Answer; deps: ForwardDeps }): Answer {
  const answer = exposed(call, target, given.answer)
  return call.era === 'legacy' ? answer : given.deps.requestStates.sealAnswer(answer, () => ownerOfState(call, target))
}

/** Gives the answer the endpoint's names, and the client's content types. A raw answer is opened only if it can hold what is to change. */
function exposed(call: ClientCall, target: Target, answer: Answer): Answer {
  const { toExposed } = target
  if (!toExposed || 'error' in answer || 'streamed' in answer || 'prepared' in answer) return answer
  if ('result' in answer) return { result: toExposed(answer.result) }
  if (!mayChange(call, answer.raw)) return answer
  const outcome = toOutcome(parseMessage(rawText(answer)))
  if (!outcome) return answer
  return 'result' in outcome && endingOf(outcome) !== 'error' ? { result: toExposed(outcome.result) } : outcome
}

function mayChange(call: ClientCall, text: string): boolean {
  return text.includes('"uri"') || call.session?.knownContent?.concerns(text) === true
}
