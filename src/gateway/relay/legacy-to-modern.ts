/** A legacy client's request to a modern upstream: what the upstream asks for in a result, the client is asked on its stream. */
import type { GatewayError } from '#contract/errors.ts'
import { bridgedCapabilities, canAnswer } from '#core/protocol/capabilities.ts'
import { withEnvelope } from '#core/protocol/envelope.ts'
import {
  isJsonObject,
  type JsonObject,
  type Outcome,
  type Question,
  type RpcNotification,
} from '#core/protocol/json-rpc.ts'
import { buildParamHeaders } from '#core/protocol/mcp-headers.ts'
import { withoutTasksExtension } from '#core/protocol/tasks.ts'
import { toLegacyOutcome } from '#core/protocol/translate.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'
import { notMcp } from '#gateway/upstream/answer.ts'
import type { Answer, UpstreamSession } from '#gateway/upstream/upstream-session.ts'
import { isHeaderMismatch, renewTarget, type ToolLists } from './header-mismatch.ts'
import type { Target } from './target.ts'

const roundsMax = 10
/** In one round. */
const questionsMax = 64

export type LegacyToModernDeps = { randomId: (prefix: string) => string; lists: ToolLists }

type Context = { call: ClientCall; headers: readonly string[]; deps: LegacyToModernDeps }

export async function callModern(session: UpstreamSession, target: Target, context: Context): Promise<Outcome> {
  const { call, deps } = context
  let current = target
  let canRenew = true
  let extra: JsonObject = {}
  for (let round = 0; round < roundsMax; round++) {
    let answer = await send(session, { target: current, extra }, context)
    if (canRenew && isHeaderMismatch(answer)) {
      canRenew = false
      const renewed = await renewTarget(current, call, deps.lists)
      if (renewed) answer = await send(session, { target: (current = renewed), extra }, context)
    }
    const client = { revision: call.revision, outputSchema: current.outputSchema }
    if (!('result' in answer))
      return 'error' in answer ? toLegacyOutcome(target.method, answer, client) : { error: unexpected }
    const { resultType = 'complete' } = answer.result
    if (resultType === 'complete') return toLegacyOutcome(target.method, answer, client)
    if (resultType !== 'input_required') throw notMcp('the result is of a kind that the client does not know')
    const collected = await collectInput(answer.result, call, deps)
    if ('error' in collected) return collected
    extra = collected.result
  }
  throw notMcp('the upstream asks too often')
}

function send(
  session: UpstreamSession,
  { target, extra }: { target: Target; extra: JsonObject },
  { call, headers }: Context,
): Promise<Answer> {
  // Tasks of one form are none of the other: the client neither asks for one here nor is answered with one.
  const { task: _task, ...own } = target.params
  const facts = { ...call.facts, capabilities: withoutTasksExtension(bridgedCapabilities(call.facts.capabilities)) }
  const params = withEnvelope({ ...own, ...extra }, facts)
  const mirrored = buildParamHeaders(target.paramHeaders, target.params['arguments'])
  const hooks = {
    notify: (note: RpcNotification) => call.reply.notify(note),
    ask: refuse,
    cancellation: call.cancellation,
    owner: call.principal.id,
  }
  return session.call({ method: target.method, params, headers: [...headers, ...mirrored], raw: null }, hooks)
}

const unexpected = { code: -32603, message: 'unexpected' }
const refuse = (): Promise<Outcome> => Promise.resolve({ error: { code: -32601, message: 'Method not found' } })

/** Asks the client everything the result wants, at once, and gives what the retry must carry. */
async function collectInput(result: JsonObject, call: ClientCall, deps: LegacyToModernDeps): Promise<Outcome> {
  const { inputRequests, requestState } = result
  const wanted = isJsonObject(inputRequests) ? Object.entries(inputRequests) : []
  if (wanted.length > questionsMax) throw notMcp('the upstream asks too much at once')
  // All are looked at before any is asked: a client is not asked for a call that fails anyway.
  const questions = wanted.map(([key, value]) => [key, readQuestion(value, call)] as const)
  const answers = await Promise.all(
    questions.map(async ([key, question]) => [key, await askClient(question, call, deps)] as const),
  )
  const inputResponses: JsonObject = {}
  for (const [key, answer] of answers) {
    if ('error' in answer) return answer
    inputResponses[key] = answer.result
  }
  return { result: requestState === undefined ? { inputResponses } : { inputResponses, requestState } }
}

function readQuestion(value: unknown, call: ClientCall): Question {
  if (!isJsonObject(value) || typeof value['method'] !== 'string') throw notMcp('an input request is not valid')
  if (!call.reply.ask || !canAnswer(call.facts.capabilities, value['method'])) throw undeclared()
  const params = value['params']
  return { method: value['method'], params: isJsonObject(params) ? params : undefined }
}

async function askClient(question: Question, call: ClientCall, deps: LegacyToModernDeps): Promise<Outcome> {
  if (!call.reply.ask) throw undeclared()
  // 2025-11-25 requires an id on URL elicitations, which later revisions do not have.
  const isUrl = question.params?.['mode'] === 'url'
  const params = isUrl ? { ...question.params, elicitationId: deps.randomId('eli') } : question.params
  return call.reply.ask({ method: question.method, params }, call.cancellation)
}

function undeclared(): GatewayError {
  return notMcp('it asks for what the client did not declare')
}
