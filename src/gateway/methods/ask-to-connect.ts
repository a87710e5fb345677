/**
 * What a caller gets whose own credential for a server is missing, or needs its attention: the address where it can be given, in the form that
 * its client knows. Nothing has been sent to the server.
 */
import { GatewayError, type ErrorCode } from '#contract/errors.ts'
import type { StoredState } from '#core/credential/stored-credential.ts'
import { serverInfoKey } from '#core/protocol/envelope.ts'
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'
import { urlElicitationRequired } from '#core/protocol/translate.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'

const connectable: ReadonlySet<ErrorCode> = new Set(['credential_required', 'credential_variables_required'])
/** The key of our question among those of a result (2026-07-28, basic/patterns/mrtr), and of what clients without it find in `_meta`. */
const connectKey = 'toolgate/connect'
/** Their results can ask for input. */
const askingMethods: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read'])

/** Whoever has connected, and is told to connect, would think that it had not worked. */
const notGoodEnough =
  'The account or key that was given for this server is not good, or not good enough. Connect it again, and call again.'

type Wanted = { url: string; message: string; details: JsonObject }
type AskDeps = { randomId: (prefix: string) => string; serverInfo: JsonObject }

/** @returns null where the failure is another, or the client can be told nothing but the failure */
export function askToConnect(call: ClientCall, failure: unknown, deps: AskDeps): Answer | null {
  const wanted = readWanted(failure)
  if (!wanted) return null
  if (takesUrls(call)) {
    if (call.era === 'legacy') return toLegacyQuestion(wanted, deps)
    if (askingMethods.has(call.message.method) && !hasAnswered(call)) return toQuestion(wanted, deps)
  }
  return call.message.method === 'tools/call' ? toToolResult(call, wanted, deps) : null
}

/** Whether its caller can do something about it, at an address of ours. */
export function isConnectable(failure: unknown): boolean {
  return readWanted(failure) !== null
}

/** A retry's answer to our question is for nobody else. Copies nothing where there is none: this is asked for each call. */
export function withoutConnectAnswer(params: JsonObject): JsonObject {
  const { inputResponses } = params
  if (!isJsonObject(inputResponses) || !(connectKey in inputResponses)) return params
  const { [connectKey]: _answer, ...others } = inputResponses
  const { inputResponses: _all, ...rest } = params
  return Object.keys(others).length === 0 ? rest : { ...rest, inputResponses: others }
}

/** Null: nobody can do anything about it at an address. */
function readWanted(failure: unknown): Wanted | null {
  if (!(failure instanceof GatewayError) || !connectable.has(failure.code)) return null
  const { connectUrl: url, state } = failure.details
  const message = state === ('needs_attention' satisfies StoredState) ? notGoodEnough : failure.message
  return typeof url === 'string' ? { url, message, details: { ...failure.details } } : null
}

/** URL elicitation is of 2025-11-25. */
function takesUrls({ era, revision, facts }: ClientCall): boolean {
  const { elicitation } = facts.capabilities
  return (
    isJsonObject(elicitation) && isJsonObject(elicitation['url']) && (era === 'modern' || revision === '2025-11-25')
  )
}

/** It came back, and the credential is still not there: asked again and again, a client would never end. */
function hasAnswered({ message }: ClientCall): boolean {
  const responses = message.params?.['inputResponses']
  return isJsonObject(responses) && connectKey in responses
}

function toQuestion({ url, message }: Wanted, { serverInfo }: AskDeps): Answer {
  const params = { mode: 'url', url, message }
  const inputRequests = { [connectKey]: { method: 'elicitation/create', params } }
  return { result: { resultType: 'input_required', inputRequests, _meta: { [serverInfoKey]: serverInfo } } }
}

/** 2025-11-25, client/elicitation: the client shows the addresses, and calls again. */
function toLegacyQuestion({ url, message, details }: Wanted, { randomId }: AskDeps): Answer {
  const elicitations = [{ mode: 'url', elicitationId: randomId('eli'), url, message }]
  return { error: { code: urlElicitationRequired, message, data: { ...details, elicitations } } }
}

function toToolResult({ era }: ClientCall, { url, message, details }: Wanted, { serverInfo }: AskDeps): Answer {
  const text = `${message} Open this address in a browser: ${url}`
  const own = { [connectKey]: details }
  const result = { content: [{ type: 'text', text }], isError: true }
  if (era === 'legacy') return { result: { ...result, _meta: own } }
  return { result: { ...result, resultType: 'complete', _meta: { ...own, [serverInfoKey]: serverInfo } } }
}
