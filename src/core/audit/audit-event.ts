import { GatewayError } from '#contract/errors.ts'
import type { AuditKind, PrincipalKind } from '#contract/audit.ts'

/** An immutable fact: who, through what, did what, was it allowed, how did it end. A text is empty where there is nothing to say. */
export type AuditEvent = {
  /** Unix time in milliseconds. */
  at: number
  kind: AuditKind
  /** In whose name: who holds the token, has signed in, or whose session it is. Empty where nobody was identified. */
  principalKind: PrincipalKind | ''
  /** Of a resource; of a caller of the library, of what the program said of it. */
  principalId: string
  /** As it was called at that time. */
  principalName: string
  /** With which token. Empty where a person had signed in, and for sessions of agents, whose tokens are no rows. */
  tokenId: string
  tokenName: string
  /** The first 12 hexadecimal digits of the SHA-256 of the whole token: which of the bearers that the token had. */
  tokenHash: string
  /** The agent's session (`ses_…`). */
  sessionId: string
  /**
   * What the server was asked with: the kind of its credential and, where that is an owner's own, a space and the owner's id. Empty where
   * nothing was sent, or the server takes none. Never a value.
   */
  credential: string
  /** Of a change: for whom the actor says that it did it. */
  changedBy: string
  /** Our id of the HTTP request or channel message; correlates with the log. */
  requestId: string
  /** Names of the project or toolset at whose address it was. */
  project: string
  toolset: string
  /** The servers behind the address, `single:{server}` or `aggregate:{server},…`; the path where the caller is not known. */
  endpoint: string
  /** The MCP method; of a request that ended before it was read, the HTTP method, if it had one. Of a change, what was done to which kind. */
  method: string
  /** Real server name, never an alias; empty where the call named none. */
  server: string
  /** The tool's, prompt's or resource's own name at its server, without any prefix; of a change, what was changed. */
  target: string
  /** Of a change: the id of what was changed. */
  targetId: string
  /** What the caller said for the target, where that is another text: with a prefix, or by an alias. */
  calledAs: string
  effect: 'allow' | 'deny'
  /** Why: the rule that decided, or a word of the error catalogue. */
  reason: string
  /** `ok`, `tool_error` (the tool said isError), `error` (the server answered with an error), `input_required`, or a code of the catalogue. */
  outcome: string
  durationMs: number
  /** How long the server was waited for, what it asked the client included; null where it was not asked. */
  upstreamMs: number | null
  /** SHA-256 of the arguments in canonical form (see canonical-json.ts), in lower-case hexadecimal; empty where there were none. */
  argumentsDigest: string
  /** Redacted JSON texts, cut; empty unless they are kept (see redaction.ts). */
  arguments: string
  result: string
}

/** Longer texts are cut, in UTF-16 units: a caller chooses the tool name and must not choose how much is stored. */
const auditTextCharsMax = 512

/**
 * The event as every AuditLog stores it: long texts cut, numbers that no database takes replaced (a fractional time is
 * truncated; NaN, Infinity and impossible times become 0). Events are stored in batches, and one odd event must not cost its whole batch.
 * An event that fits is returned as it is. The payloads were cut when they were made.
 */
export function toStorableAuditEvent(event: AuditEvent): AuditEvent {
  if (hasStorableTexts(event) && hasStorableNumbers(event)) return event
  return {
    ...toStorableNumbers(event),
    kind: event.kind,
    principalKind: event.principalKind,
    principalId: cutText(event.principalId),
    principalName: cutText(event.principalName),
    tokenId: cutText(event.tokenId),
    tokenName: cutText(event.tokenName),
    tokenHash: cutText(event.tokenHash),
    sessionId: cutText(event.sessionId),
    credential: cutText(event.credential),
    changedBy: cutText(event.changedBy),
    requestId: cutText(event.requestId),
    project: cutText(event.project),
    toolset: cutText(event.toolset),
    endpoint: cutText(event.endpoint),
    method: cutText(event.method),
    server: cutText(event.server),
    target: cutText(event.target),
    targetId: cutText(event.targetId),
    calledAs: cutText(event.calledAs),
    effect: event.effect,
    reason: cutText(event.reason),
    outcome: cutText(event.outcome),
    argumentsDigest: cutText(event.argumentsDigest),
    arguments: event.arguments,
    result: event.result,
  }
}

/** The longest text decides, so there is nothing to branch on: this runs for every event. */
function hasStorableTexts(event: AuditEvent): boolean {
  const longest = Math.max(
    event.principalId.length,
    event.principalName.length,
    event.tokenId.length,
    event.tokenName.length,
    event.tokenHash.length,
    event.sessionId.length,
    event.credential.length,
    event.changedBy.length,
    event.requestId.length,
    event.project.length,
    event.toolset.length,
    event.endpoint.length,
    event.method.length,
    event.server.length,
    event.target.length,
    event.targetId.length,
    event.calledAs.length,
    event.reason.length,
    event.outcome.length,
    event.argumentsDigest.length,
  )
  return longest <= auditTextCharsMax
}

type Numbers = Pick<AuditEvent, 'at' | 'durationMs' | 'upstreamMs'>

export function hasStorableNumbers({ at, durationMs, upstreamMs }: Numbers): boolean {
  return Number.isSafeInteger(at) && Number.isFinite(durationMs) && (upstreamMs === null || Number.isFinite(upstreamMs))
}

export function toStorableNumbers({ at, durationMs, upstreamMs }: Numbers): Numbers {
  return {
    at: Number.isSafeInteger(Math.trunc(at)) ? Math.trunc(at) : 0,
    durationMs: Number.isFinite(durationMs) ? durationMs : 0,
    upstreamMs: Number.isFinite(upstreamMs) ? upstreamMs : null,
  }
}

/** A cut may halve a surrogate pair, which UTF-8 cannot hold. */
export function cutText(text: string): string {
  return text.length <= auditTextCharsMax ? text : text.slice(0, auditTextCharsMax).toWellFormed()
}

/** How many events one `list` may give. */
const auditListMax = 10_000

/** Gives the limit back, or throws `invalid_params`: a database reads a negative limit as none. */
export function checkAuditListLimit(limit: number): number {
  if (Number.isInteger(limit) && limit >= 0 && limit <= auditListMax) return limit
  throw new GatewayError('invalid_params', { details: { reason: `limit is a whole number from 0 to ${auditListMax}` } })
}
