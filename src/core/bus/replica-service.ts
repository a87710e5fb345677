/** What one replica does for another one that asks it. Types, and how a failure travels. */
import { errorCatalogue, GatewayError, toGatewayError, type ErrorCode } from '#contract/errors.ts'
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'
import type { Cancellation } from '#core/upstream/cancellation.ts'

/** Who asks, as who answers sees him. */
export type Asker = {
  /** He does not wait any more, or has gone. */
  cancellation: Cancellation
  note: (note: JsonObject) => void
  /** Rejects when he is gone, and where he cannot answer. */
  question: (question: JsonObject) => Promise<JsonObject>
}

/** Who asks has checked what only he can check: that the caller is who he says, and may do this. */
export type ReplicaService = (asked: JsonObject, asker: Asker) => Promise<JsonObject>

/** How the answer of a service, or its failure, is written. */
export type Ending = { answer: JsonObject } | { failure: { code: string; details: JsonObject } } | { unserved: true }

export function toEnding(error: unknown): Ending {
  const { code, details } = toGatewayError(error)
  return { failure: { code, details } }
}

/** @returns null where nobody there serves this @throws GatewayError what failed there */
export function readEnding({ answer, failure }: JsonObject): JsonObject | null {
  if (isJsonObject(answer)) return answer
  if (!isJsonObject(failure)) return null
  const { code, details } = failure
  throw new GatewayError(isErrorCode(code) ? code : 'internal', isJsonObject(details) ? { details } : {})
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorCatalogue, code)
}
