/** Asks an HTTP upstream for its era (2026-07-28, basic/versioning): never by one status or code alone. */
import { GatewayError } from '#contract/errors.ts'
import { withEnvelope } from '#core/protocol/envelope.ts'
import { isJsonObject, type JsonObject, type Outcome } from '#core/protocol/json-rpc.ts'
import { modernRevision } from '#core/protocol/revisions.ts'
import type { Cancellation } from '#core/upstream/cancellation.ts'
import { notMcp } from './answer.ts'
import { isModernError, readDiscoverResult } from './discover.ts'
import { modernHeaders } from './modern-headers.ts'
import { sendOwn, type OwnRequestDeps } from './own-request.ts'
import type { UpstreamFacts } from './upstream-session.ts'

export type ProbeOptions = OwnRequestDeps & {
  clientInfo: JsonObject
  clientCapabilities: JsonObject
  cancellation?: Cancellation
}

/**
 * @returns the facts of a modern upstream, or `legacy`
 * @throws GatewayError where the answer says nothing about the era: unreachable, refused, redirected, too slow
 */
export async function probeHttp(options: ProbeOptions): Promise<UpstreamFacts | 'legacy'> {
  const first = await discover(options, 1)
  if (first === 'legacy') return 'legacy'
  // A modern server may first say which revisions it speaks; one of them must be ours.
  const outcome = isVersionRefusal(first) ? await discover(options, 2) : first
  const facts = outcome === 'legacy' ? null : readDiscoverResult(outcome)
  if (facts) return facts
  if (outcome !== 'legacy' && isModernError(outcome)) throw notMcp('server/discover was refused')
  return 'legacy'
}

function isVersionRefusal(outcome: Outcome): boolean {
  if (!('error' in outcome) || outcome.error.code !== -32022 || !isJsonObject(outcome.error.data)) return false
  const { supported } = outcome.error.data
  return Array.isArray(supported) && supported.includes(modernRevision)
}

async function discover(options: ProbeOptions, attempt: number): Promise<Outcome | 'legacy'> {
  const id = `discover-${attempt}`
  const method = 'server/discover'
  const params = withEnvelope(
    {},
    { capabilities: options.clientCapabilities, info: options.clientInfo, logLevel: undefined },
  )
  const headers = modernHeaders({ method, params, headers: [] }, options.exchange.lease.headers)
  const body = JSON.stringify({ jsonrpc: '2.0', id, method, params })
  const request = { method: 'POST' as const, headers, body, silenceMsMax: options.timeoutMs }
  try {
    const { outcome } = await sendOwn(options, { request, id, cancellation: options.cancellation })
    return outcome ?? 'legacy'
  } catch (error) {
    if (isEvidenceOfLegacy(error)) return 'legacy'
    throw error
  }
}

/** An answer that no modern server gives. Refusals of the gateway itself, silence and 5xx say nothing about the era. */
function isEvidenceOfLegacy(error: unknown): boolean {
  if (!(error instanceof GatewayError)) return false
  const { status } = error.details
  if (error.code === 'upstream_unreachable') return typeof status === 'number' && status >= 400 && status < 500
  return error.code === 'upstream_protocol'
}
