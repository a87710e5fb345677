/** Reads the facts of a legacy server from its answer to `initialize`. */
import { isJsonObject, type Outcome } from '#core/protocol/json-rpc.ts'
import { notMcp } from './answer.ts'
import type { UpstreamFacts } from './upstream-session.ts'

/** @throws GatewayError `upstream_protocol` */
export function readInitializeResult(outcome: Outcome): UpstreamFacts {
  if ('error' in outcome) throw notMcp('initialize was refused')
  const { protocolVersion, capabilities, serverInfo, instructions } = outcome.result
  if (typeof protocolVersion !== 'string') throw notMcp('initialize named no protocol version')
  return {
    era: 'legacy',
    revision: protocolVersion,
    capabilities: isJsonObject(capabilities) ? capabilities : {},
    serverInfo: isJsonObject(serverInfo) ? serverInfo : {},
    instructions: typeof instructions === 'string' ? instructions : undefined,
  }
}
