/** Reads the facts of a modern server from its answer to `server/discover` (2026-07-28, server/discover). */
import { serverInfoKey, metaOf } from '#core/protocol/envelope.ts'
import { isJsonObject, type Outcome } from '#core/protocol/json-rpc.ts'
import { modernRevision } from '#core/protocol/revisions.ts'
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
