/** Asks an HTTP upstream for its era (2026-07-28, basic/versioning): never by one status or code alone. */
import { GatewayError } from '#contract/errors.ts'
import { withEnvelope } from '#core/protocol/envelope.ts'
import { isJsonObject, toOutcome, type JsonObject, type Outcome } from '#core/protocol/json-rpc.ts'
import { modernRevision } from '#core/protocol/revisions.ts'
import { notMcp, parseMessage } from './answer.ts'
import { isModernError, readDiscoverResult } from './discover.ts'
import { startExchange, type ExchangeDeps } from './http-exchange.ts'
import type { UpstreamFacts } from './upstream-session.ts'

export type ProbeOptions = {
  exchange: ExchangeDeps
  headers: readonly string[]
  clientInfo: JsonObject
  clientCapabilities: JsonObject
  timeoutMs: number
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

function discover(options: ProbeOptions, attempt: number): Promise<Outcome | 'legacy'> {
  const id = `discover-${attempt}`
  const method = 'server/discover'
  const params = withEnvelope(
    {},
    { capabilities: options.clientCapabilities, info: options.clientInfo, logLevel: undefined },
  )
  const headers = [
    'content-type',
    'application/json',
    'accept',
    'application/json, text/event-stream',
    'mcp-protocol-version',
    modernRevision,
    'mcp-method',
    method,
    ...options.headers,
  ]
  const body = JSON.stringify({ jsonrpc: '2.0', id, method, params })
  return new Promise((resolve, reject) => {
    const take = (text: string): boolean => {
      const outcome = toOutcome(parseMessage(text))
      if (outcome) resolve(outcome)
      return outcome !== undefined
    }
    const exchange = startExchange(
      options.exchange,
      { method: 'POST', headers, body, silenceMsMax: options.timeoutMs },
      {
        json: (_head, bytes) => {
          if (!take(bytes.toString())) resolve('legacy')
        },
        empty: () => resolve('legacy'),
        event: (data) => {
          if (take(data)) exchange.abort()
        },
        streamEnded: () => resolve('legacy'),
        failed: (error, head) => {
          const isOther4xx = head !== undefined && head.status >= 400 && head.status < 500
          if (isOther4xx && error.code === 'upstream_unreachable') resolve('legacy')
          else if (error.code === 'upstream_protocol') resolve('legacy')
          else reject(error instanceof GatewayError ? error : new GatewayError('upstream_unreachable'))
        },
      },
    )
  })
}
