/** A modern client's request to a legacy upstream: what the upstream asks on its stream, the client is asked in a result. */
import { GatewayError } from '#contract/errors.ts'
import { canAnswer, canonicalJson } from '#core/protocol/capabilities.ts'
import { serverInfoKey, withoutEnvelope } from '#core/protocol/envelope.ts'
import {
  isJsonObject,
  type JsonObject,
  type Outcome,
  type Question,
  type RpcNotification,
} from '#core/protocol/json-rpc.ts'
import { toModernOutcome, urlElicitationRequired } from '#core/protocol/translate.ts'
import type { Clock } from '#core/clock.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'
import { notMcp } from '#gateway/upstream/answer.ts'
import type { Answer, UpstreamSession } from '#gateway/upstream/upstream-session.ts'
import { LegacyRun } from './legacy-run.ts'
import { ensureLogLevel, isLoudEnough } from '#gateway/client/log-level.ts'
import type { ParkedCalls } from './parked-calls.ts'
import type { Target } from './target.ts'

export type ModernToLegacyDeps = { clock: Clock; parked: ParkedCalls; hash: (text: string) => string }

export async function callLegacy(
  session: UpstreamSession,
  target: Target,
  context: { call: ClientCall; headers: readonly string[]; deps: ModernToLegacyDeps },
): Promise<Outcome> {
  const { call, deps } = context
  const binding = bindingOf(call, target, deps)
  const { requestState, inputResponses } = target.params
  if (requestState !== undefined) {
    if (typeof requestState !== 'string') throw new GatewayError('request_state_invalid')
    const run = deps.parked.find(requestState, binding)
    if (!run.supply(inputResponses) && !run.hasEnded) return inputRequired(run.questions, requestState, session)
    deps.parked.take(requestState)
    return proceed(run, { session, target, call, deps, binding })
  }
  await ensureLogLevel(session, call.facts.logLevel)
  const run = new LegacyRun(deps.clock)
  const { notify, ask, cancellation } = run.hooks((note) => isHeard(note, call))
  const askIfAble = (question: Question): Promise<Outcome> =>
    canAnswer(call.facts.capabilities, question.method) ? ask(question) : Promise.resolve(cannotAnswer)
  const hooks = { notify, ask: askIfAble, cancellation, owner: call.principal.id }
  // Of tasks in this form the client knows nothing.
  const { task: _task, ...params } = withoutEnvelope(target.params)
  const request = { method: target.method, params, headers: context.headers, raw: null }
  run.follow(session.call(request, hooks).then(asOutcome))
  return proceed(run, { session, target, call, deps, binding })
}

const cannotAnswer: Outcome = { error: { code: -32601, message: 'The client did not declare this capability.' } }

function asOutcome(answer: Answer): Outcome {
  if ('result' in answer || 'error' in answer) return answer
  throw notMcp('no result')
}

/** Modern MCP: without a log level in the request the client hears no log message. */
function isHeard(note: RpcNotification, call: ClientCall): boolean {
  if (note.method !== 'notifications/message') return true
  return call.facts.logLevel !== undefined && isLoudEnough(note, call.facts.logLevel)
}

type Proceeding = {
  session: UpstreamSession
  target: Target
  call: ClientCall
  deps: ModernToLegacyDeps
  binding: string
}

async function proceed(run: LegacyRun, context: Proceeding): Promise<Outcome> {
  const { session, target, call, deps, binding } = context
  const forgetCancel = call.cancellation.onCancel(() => run.abandon())
  const stop = await run.nextStop(call.reply)
  forgetCancel()
  switch (stop.kind) {
    case 'failed':
      throw stop.error
    case 'asked':
      return inputRequired(run.questions, deps.parked.park(run, binding), session)
    default: {
      const urls = urlsToVisit(stop.outcome)
      if (urls) {
        if (!canVisitUrls(call.facts.capabilities)) throw new GatewayError('missing_client_capability', urlCapability)
        return inputRequired(urls, undefined, session)
      }
      return toModernOutcome(target.method, stop.outcome, session.facts.serverInfo)
    }
  }
}

const urlCapability = { details: { requiredCapabilities: { elicitation: { url: {} } } } }

/** An elicitation declared without modes is one of forms (2026-07-28, client/elicitation). */
function canVisitUrls({ elicitation }: JsonObject): boolean {
  return isJsonObject(elicitation) && isJsonObject(elicitation['url'])
}

/** After the visit the client sends the call again, and it is a new call upstream: nothing has to wait for it. */
function urlsToVisit(outcome: Outcome): JsonObject | null {
  if (!('error' in outcome) || outcome.error.code !== urlElicitationRequired || !isJsonObject(outcome.error.data))
    return null
  const { elicitations } = outcome.error.data
  if (!Array.isArray(elicitations)) return null
  const urls = elicitations.filter(isJsonObject).map(({ elicitationId: _id, ...params }, index) => {
    return [`url${index + 1}`, { method: 'elicitation/create', params: { ...params, mode: 'url' } }] as const
  })
  return urls.length === 0 ? null : Object.fromEntries(urls)
}

function inputRequired(inputRequests: JsonObject, requestState: string | undefined, session: UpstreamSession): Outcome {
  const meta = { [serverInfoKey]: session.facts.serverInfo }
  const result: JsonObject = { resultType: 'input_required', inputRequests, _meta: meta }
  return { result: requestState === undefined ? result : { ...result, requestState } }
}

function bindingOf(call: ClientCall, target: Target, deps: ModernToLegacyDeps): string {
  const { _meta, inputResponses: _responses, requestState: _state, ...params } = target.params
  return deps.hash(canonicalJson([call.principal.id, target.upstream.name, target.method, params]))
}
