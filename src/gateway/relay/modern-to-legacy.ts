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
import type { Cancellation } from '#core/upstream/cancellation.ts'
import type { ClientCall, Reply } from '#gateway/client/client-call.ts'
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
  const going = goingOf(call, target, deps)
  const { requestState, inputResponses } = target.params
  if (requestState !== undefined) {
    if (typeof requestState !== 'string') throw new GatewayError('request_state_invalid')
    return resumeParked({ handle: requestState, inputResponses }, going)
  }
  await ensureLogLevel(session, call.facts.logLevel)
  const run = new LegacyRun(deps.clock, session.facts.serverInfo)
  const { notify, ask, cancellation } = run.hooks((note) => isHeard(note, call))
  const askIfAble = (question: Question): Promise<Outcome> =>
    canAnswer(call.facts.capabilities, question.method) ? ask(question) : Promise.resolve(cannotAnswer)
  const hooks = { notify, ask: askIfAble, cancellation, owner: call.principal.id }
  // Of tasks in this form the client knows nothing.
  const { task: _task, ...params } = withoutEnvelope(target.params)
  const request = { method: target.method, params, headers: context.headers, raw: null }
  run.follow(session.call(request, hooks).then(asOutcome))
  return proceed(run, going)
}

/**
 * Goes on with a call that is parked here, once it has all the answers that it waits for.
 * @throws GatewayError `request_state_invalid`
 */
export async function resumeParked(
  { handle, inputResponses }: { handle: string; inputResponses: unknown },
  going: Going,
): Promise<Outcome> {
  const { parked, binding } = going
  const run = parked.find(handle, binding)
  if (!run.supply(inputResponses) && !run.hasEnded) return inputRequired(run.questions, handle, run)
  parked.take(handle)
  return proceed(run, going)
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

/** One request of the client, in which a call goes on. */
export type Going = {
  method: string
  capabilities: JsonObject
  reply: Reply
  cancellation: Cancellation
  /** Principal, server, method and parameters: what each of the requests must have in common. */
  binding: string
  parked: ParkedCalls
}

async function proceed(run: LegacyRun, going: Going): Promise<Outcome> {
  const { method, capabilities, reply, cancellation, binding, parked } = going
  const forgetCancel = cancellation.onCancel(() => run.abandon())
  const stop = await run.nextStop(reply)
  forgetCancel()
  switch (stop.kind) {
    case 'failed':
      throw stop.error
    case 'asked':
      return inputRequired(run.questions, parked.park(run, binding), run)
    default: {
      const urls = urlsToVisit(stop.outcome)
      if (urls) {
        if (!canVisitUrls(capabilities)) throw new GatewayError('missing_client_capability', urlCapability)
        return inputRequired(urls, undefined, run)
      }
      return toModernOutcome(method, stop.outcome, run.serverInfo)
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

function inputRequired(
  inputRequests: JsonObject,
  requestState: string | undefined,
  { serverInfo }: Pick<LegacyRun, 'serverInfo'>,
): Outcome {
  const result: JsonObject = { resultType: 'input_required', inputRequests, _meta: { [serverInfoKey]: serverInfo } }
  return { result: requestState === undefined ? result : { ...result, requestState } }
}

/** What a retry must equal is hashed: it is compared, and goes to other replicas, without being told. */
export function goingOf(
  call: ClientCall,
  { upstream, method, params: given }: Target,
  { parked, hash }: Pick<ModernToLegacyDeps, 'parked' | 'hash'>,
): Going {
  const { _meta, inputResponses: _responses, requestState: _state, ...params } = given
  const binding = hash(canonicalJson([call.principal.id, upstream.name, method, params]))
  const { facts, reply, cancellation } = call
  return { method, capabilities: facts.capabilities, reply, cancellation, binding, parked }
}
