/** Reads the facts of a modern server from its answer to `server/discover` (2026-07-28, server/discover). */
import { serverInfoKey, metaOf } from '#core/protocol/envelope.ts'
import { isJsonObject, toOutcome, type Outcome, type RequestId } from '#core/protocol/json-rpc.ts'
import { modernRevision } from '#core/protocol/revisions.ts'
import { parseMessage } from './answer.ts'
import type { UpstreamFacts } from './upstream-session.ts'

/** Errors that only a modern server answers with. */
const modernErrors = new Set([-32020, -32021, -32022])

/** @returns null when this is not the answer of a modern server that speaks a revision of ours */
export function readDiscoverResult(outcome: Outcome): UpstreamFacts | null {
  if ('error' in outcome) return null
  const { supportedVersions, capabilities, instructions } = outcome.result
  if (!Array.isArray(supportedVersions) || !supportedVersions.includes(modernRevision)) return null
  const info = metaOf(outcome.result)?.[serverInfoKey]
  return {
    era: 'modern',
    revision: modernRevision,
    capabilities: isJsonObject(capabilities) ? capabilities : {},
    serverInfo: isJsonObject(info) ? info : {},
    instructions: typeof instructions === 'string' ? instructions : undefined,
  }
}

export function isModernError(outcome: Outcome): boolean {
  return 'error' in outcome && modernErrors.has(outcome.error.code)
}

/** Statuses with which servers refuse what they do not understand (2026-07-28, basic/versioning). */
const refusals = new Set([400, 404, 405])

/**
 * Whether this is how a server refuses a modern request that it took for something else: it read none of it, so it answers without the
 * request's id, or with no JSON-RPC at all.
 */
export function isRefusalOfModern(status: number, body: string | null, id: RequestId): boolean {
  if (!refusals.has(status)) return false
  const message = body === null ? null : parseMessage(body)
  const outcome = message && toOutcome(message)
  return !outcome || (message['id'] !== id && !isModernError(outcome))
}

/** Whether this is how a modern server refuses a request without an envelope: it took nothing of it. */
export function isRefusalOfLegacy(status: number, body: Buffer): boolean {
  const message = status === 400 ? parseMessage(body.toString()) : null
  const outcome = message && toOutcome(message)
  return outcome ? isModernError(outcome) : false
}

/**
 * A refusal that names no request: the server looked at the session and read no further. The specification wants 404 where a session is
 * unknown, and many servers say 400.
 */
export function isRefusalUnread(status: number, body: Buffer): boolean {
  const message = status === 400 ? parseMessage(body.toString()) : null
  return isJsonObject(message?.['error']) && (message['id'] ?? null) === null
}
