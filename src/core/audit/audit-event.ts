import { GatewayError } from '#contract/errors.ts'

/**
 * - `call`: one MCP request of an identified caller, `initialize` included.
 * - `session_end`: a client ended its session.
 * - `refusal`: a request ended before it was a call: unreadable, of no known revision, of no session, for nobody here.
 * - `auth_failure`: the same, because there was no valid token.
 * - `config_change`: a changed configuration was applied, or could not be.
 * - `resource_change`: somebody changed a resource through the management API, signed in, or tried to. `tokenId` and `tokenName` say who, a
 *   person or a token; `method` what was done to which kind; `reason` which members changed, and for whom it was done.
 */
export const auditKinds = [
  'call',
  'session_end',
  'refusal',
  'auth_failure',
  'config_change',
  'resource_change',
] as const

/** An immutable fact: who, through what, did what, was it allowed, how did it end. */
export type AuditEvent = {
  /** Unix time in milliseconds. */
  at: number
  kind: (typeof auditKinds)[number]
  /** Empty where nobody was identified. */
  tokenId: string
  tokenName: string
  /** Our id of the HTTP request or channel message; correlates with the log. */
  requestId: string
  /** The servers behind the address, `single:{server}` or `aggregate:{server},…`; the path where the caller is not known. */
  endpoint: string
  /** The MCP method; of a request that ended before it was read, the HTTP method, if it had one. */
  method: string
  /** Real server name, never an alias; empty where the call named none. */
  server: string
  /** The tool's, prompt's or resource's own name at its server. */
  target: string
  effect: 'allow' | 'deny'
  /** Why: the rule that decided, or a word of the error catalogue. */
  reason: string
  /** `ok`, `tool_error` (the tool said isError), `error` (the server answered with an error), `input_required`, or a code of the catalogue. */
  outcome: string
  durationMs: number
}

/** Longer texts are cut, in UTF-16 units: a caller chooses the tool name and must not choose how much is stored. */
const auditTextCharsMax = 512

/**
 * The event as every AuditLog stores it: long texts cut, numbers that no database takes replaced (a fractional time is
 * truncated; NaN, Infinity and impossible times become 0). Events are stored in batches, and one odd event must not cost its whole batch.
 * An event that fits is returned as it is.
 */
export function toStorableAuditEvent(event: AuditEvent): AuditEvent {
  if (hasStorableTexts(event) && Number.isSafeInteger(event.at) && Number.isFinite(event.durationMs)) return event
  return {
    at: Number.isSafeInteger(Math.trunc(event.at)) ? Math.trunc(event.at) : 0,
    kind: event.kind,
    tokenId: cut(event.tokenId),
    tokenName: cut(event.tokenName),
    requestId: cut(event.requestId),
    endpoint: cut(event.endpoint),
    method: cut(event.method),
    server: cut(event.server),
    target: cut(event.target),
    effect: event.effect,
    reason: cut(event.reason),
    outcome: cut(event.outcome),
    durationMs: Number.isFinite(event.durationMs) ? event.durationMs : 0,
  }
}

/** The longest text decides, so there is nothing to branch on: this runs for every event. */
function hasStorableTexts(event: AuditEvent): boolean {
  const longest = Math.max(
    event.tokenId.length,
    event.tokenName.length,
    event.requestId.length,
    event.endpoint.length,
    event.method.length,
    event.server.length,
    event.target.length,
    event.reason.length,
    event.outcome.length,
  )
  return longest <= auditTextCharsMax
}

/** A cut may halve a surrogate pair, which UTF-8 cannot hold. */
function cut(text: string): string {
  return text.length <= auditTextCharsMax ? text : text.slice(0, auditTextCharsMax).toWellFormed()
}

/** How many events one `list` may give. */
const auditListMax = 10_000

/** Gives the limit back, or throws `invalid_params`: a database reads a negative limit as none. */
export function checkAuditListLimit(limit: number): number {
  if (Number.isInteger(limit) && limit >= 0 && limit <= auditListMax) return limit
  throw new GatewayError('invalid_params', { details: { reason: `limit is a whole number from 0 to ${auditListMax}` } })
}
