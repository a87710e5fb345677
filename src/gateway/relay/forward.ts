/** Step 8 of a call: to the pooled upstream session, in that session's era, and the answer back in the client's. */
import { GatewayError } from '#contract/errors.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'
import { endingOf, parseMessage, toOutcome } from '#gateway/upstream/answer.ts'
import type { Answer, CallHooks, UpstreamCall, UpstreamSession } from '#gateway/upstream/upstream-session.ts'
import { forwardedRequestHeaders } from '#core/credential/forwarded-headers.ts'
import { buildParamHeaders } from '#core/protocol/mcp-headers.ts'
import { canAnswer } from '#core/protocol/capabilities.ts'
import { callModern, type LegacyToModernDeps } from './legacy-to-modern.ts'
import { ensureLogLevel, isLoudEnough } from './log-level.ts'
import { callLegacy, type ModernToLegacyDeps } from './modern-to-legacy.ts'
import type { Target } from './target.ts'

export type ForwardDeps = LegacyToModernDeps & ModernToLegacyDeps

export async function forward(call: ClientCall, target: Target, deps: ForwardDeps): Promise<Answer> {
  const user = {
    principalId: call.principal.id,
    sessionId: call.session?.id ?? null,
    capabilities: call.facts.capabilities,
  }
  const place = target.upstream.place(user)
  call.session?.join(place)
  const acquired = place.acquire()
  const session = acquired instanceof Promise ? await acquired : acquired
  try {
    return exposed(target, await relay(call, target, { session, deps }))
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'session_not_found') throw error
    // The upstream has forgotten the session and took nothing: one fresh session, one more try.
    return exposed(target, await relay(call, target, { session: await place.acquire(), deps }).catch(asUpstreamFailure))
  }
}

function asUpstreamFailure(error: unknown): never {
  if (error instanceof GatewayError && error.code === 'session_not_found') throw new GatewayError('upstream_closed')
  throw error
}

function relay(
  call: ClientCall,
  target: Target,
  context: { session: UpstreamSession; deps: ForwardDeps },
): Promise<Answer> {
  const { session, deps } = context
  const headers = call.headers === null ? [] : forwardedRequestHeaders(call.headers)
  if (call.era === 'legacy' && session.facts.era === 'modern')
    return callModern(session, target, { call, headers, deps })
  if (call.era === 'modern' && session.facts.era === 'legacy')
    return callLegacy(session, target, { call, headers, deps })
  return relaySame(call, target, { session, headers })
}

/** Both sides speak one era: the message goes as it is, and the answer comes as it is. */
async function relaySame(
  call: ClientCall,
  target: Target,
  context: { session: UpstreamSession; headers: readonly string[] },
): Promise<Answer> {
  const { session } = context
  if (call.era === 'legacy' && call.facts.logLevel !== undefined) await ensureLogLevel(session, call.facts.logLevel)
  const request: UpstreamCall = {
    method: target.method,
    params: target.params,
    headers: call.era === 'modern' ? [...context.headers, ...mirrored(call, target)] : context.headers,
    raw: {
      id: call.message.id,
      large: target.method === 'tools/call' ? call.large : null,
      sink: target.toExposed ? null : call.sink,
    },
  }
  return session.call(request, sameEraHooks(call))
}

function sameEraHooks(call: ClientCall): CallHooks {
  const { reply, facts, cancellation } = call
  return {
    notify: (note) => {
      if (note.method !== 'notifications/message' || isLoudEnough(note, facts.logLevel)) reply.notify(note)
    },
    ask: (question) =>
      reply.ask && canAnswer(facts.capabilities, question.method) ? reply.ask(question) : Promise.resolve(cannotAnswer),
    waiting: () => reply.waiting?.(),
    cancellation,
  }
}

const cannotAnswer = { error: { code: -32601, message: 'The client did not declare this capability.' } }

/** The client's own `mcp-param-*` headers have been checked against the body; a channel client has none, so they are made. */
function mirrored(call: ClientCall, target: Target): string[] {
  if (target.paramHeaders.length > 0) return buildParamHeaders(target.paramHeaders, target.params['arguments'])
  if (call.headers === null) return []
  return Object.entries(call.headers).flatMap(([name, value]) =>
    name.startsWith('mcp-param-') && typeof value === 'string' ? [name, value] : [],
  )
}

/** Gives the answer the endpoint's names. A raw answer is opened only if it can hold one. */
function exposed(target: Target, answer: Answer): Answer {
  const { toExposed } = target
  if (!toExposed || 'error' in answer || 'streamed' in answer) return answer
  if ('result' in answer) return { result: toExposed(answer.result) }
  if (!answer.raw.includes('"uri"')) return answer
  const outcome = toOutcome(parseMessage(answer.raw.toString()) ?? {})
  if (!outcome) return answer
  return 'result' in outcome && endingOf(outcome) !== 'error' ? { result: toExposed(outcome.result) } : outcome
}
