/** Reads what an upstream answered. */
import { GatewayError } from '#contract/errors.ts'
import {
  idText,
  toResponse,
  isJsonObject,
  toOutcome,
  type JsonObject,
  type Outcome,
  type RequestId,
} from '#core/protocol/json-rpc.ts'
import { ResponseScan } from '#core/protocol/response-scan.ts'
import { isNestedTooDeeply } from '#core/protocol/scan.ts'
import { findResponseId } from '#core/protocol/splice.ts'
import type { Answer, Ending, RawAnswer } from './upstream-session.ts'

/** Printable ASCII is the same in every encoding; an id of anything else is left to the slow way. */
const asciiOnly = /^[\x20-\x7e]*$/

/**
 * The answer as the caller may have it byte for byte, with its own id, or null where the body's shape needs a look inside.
 * @param ids JSON texts: what the upstream was given, and what the caller sent
 */
export function toRawAnswer(body: Buffer, ids: { upstream: string; caller: string }): RawAnswer | null {
  const text = body.toString('latin1')
  const span = findResponseId(text, ids.upstream)
  if (!span) return null
  if (ids.upstream === ids.caller) return { raw: text, encoding: 'latin1', ending: endingOfText(text) }
  if (!asciiOnly.test(ids.caller)) return null
  const raw = text.slice(0, span.start) + ids.caller + text.slice(span.end)
  return { raw, encoding: 'latin1', ending: endingOfText(text) }
}

/** The text of a raw answer, for who must look inside. */
export function rawText({ raw, encoding }: RawAnswer): string {
  return encoding === 'utf8' ? raw : Buffer.from(raw, 'latin1').toString()
}

/** The whole JSON-RPC response as text; null where it has gone out already. */
export function responseText(id: RequestId, answer: Answer): string | null {
  if ('streamed' in answer) return null
  if ('raw' in answer) return rawText(answer)
  if ('prepared' in answer) return preparedHead(id) + answer.prepared.toString() + preparedTail
  return JSON.stringify(toResponse(id, answer))
}

/** What stands before and after the bytes of a prepared result. */
export function preparedHead(id: RequestId): string {
  return `{"jsonrpc":"2.0","id":${idText(id)},"result":`
}

export const preparedTail = '}'

/** Only a text that holds one of these can have ended badly; most do not, and are not looked into. */
const suspect = /"(?:isError"\s*:\s*true|error"\s*:|input_required")/

/** How a response held as text ended. */
export function endingOfText(text: string): Ending {
  if (!suspect.test(text)) return 'ok'
  const scan = new ResponseScan()
  scan.push(Buffer.from(text))
  return scan.end() ?? 'error'
}

export function endingOf(outcome: Outcome | undefined): Ending {
  if (!outcome || 'error' in outcome) return 'error'
  if (outcome.result['isError'] === true) return 'tool_error'
  return outcome.result['resultType'] === 'input_required' ? 'input_required' : 'ok'
}

export function endingOfAnswer(answer: Answer): Ending {
  return 'ending' in answer ? answer.ending : endingOf(answer)
}

/** The response in a body, checked to be the answer to `id`. @throws GatewayError `upstream_protocol` */
export function readResponse(text: string, id: RequestId): Outcome {
  const message = parseMessage(text)
  const outcome = message && toOutcome(message)
  // JSON-RPC allows a null id where the server could not read the request.
  if (!outcome || (message['id'] !== id && message['id'] !== null))
    throw notMcp('the body is not the response to the request')
  return outcome
}

export function parseMessage(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) && !isNestedTooDeeply(text) ? value : null
  } catch {
    return null
  }
}

/** The result in an answer. A raw one is opened only if it can hold a task. */
export function resultWithTask(answer: Answer): JsonObject | undefined {
  if ('result' in answer) return answer.result
  if (!('raw' in answer) || !answer.raw.includes('"taskId"')) return undefined
  const outcome = toOutcome(parseMessage(rawText(answer)))
  return outcome && 'result' in outcome ? outcome.result : undefined
}

export function notMcp(reason: string): GatewayError {
  return new GatewayError('upstream_protocol', { details: { reason } })
}
