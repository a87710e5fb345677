/** The per-request `_meta` envelope of modern MCP (2026-07-28, basic/index): who asks, what it can do, in which revision. */
import { isJsonObject, type JsonObject } from './json-rpc.ts'
import { modernRevision } from './revisions.ts'
import { withoutCoreTasks } from './tasks.ts'

const metaPrefix = 'io.modelcontextprotocol/'
export const protocolVersionKey = `${metaPrefix}protocolVersion`
export const clientCapabilitiesKey = `${metaPrefix}clientCapabilities`
const clientInfoKey = `${metaPrefix}clientInfo`
const logLevelKey = `${metaPrefix}logLevel`
export const serverInfoKey = `${metaPrefix}serverInfo`
export const subscriptionIdKey = `${metaPrefix}subscriptionId`

/** What a request says of its client; the same facts a legacy client gives once, in `initialize`. */
export type ClientFacts = {
  capabilities: JsonObject
  info: JsonObject | undefined
  logLevel: string | undefined
}

export function metaOf(params: JsonObject | undefined): JsonObject | undefined {
  const meta = params?.['_meta']
  return isJsonObject(meta) ? meta : undefined
}

/** The revision a request claims in its envelope, or undefined: a legacy message. */
export function claimedRevision(params: JsonObject | undefined): string | undefined {
  const claim = metaOf(params)?.[protocolVersionKey]
  return typeof claim === 'string' ? claim : undefined
}

export function readClientFacts(meta: JsonObject): ClientFacts {
  const capabilities = meta[clientCapabilitiesKey]
  const info = meta[clientInfoKey]
  const logLevel = meta[logLevelKey]
  return {
    capabilities: isJsonObject(capabilities) ? withoutCoreTasks(capabilities) : {},
    info: isJsonObject(info) ? info : undefined,
    logLevel: typeof logLevel === 'string' ? logLevel : undefined,
  }
}

/** Adds the envelope to a legacy request on its way to a modern upstream. */
export function withEnvelope(params: JsonObject | undefined, facts: ClientFacts): JsonObject {
  const envelope: JsonObject = {
    ...metaOf(params),
    [protocolVersionKey]: modernRevision,
    [clientCapabilitiesKey]: facts.capabilities,
  }
  if (facts.info) envelope[clientInfoKey] = facts.info
  if (facts.logLevel) envelope[logLevelKey] = facts.logLevel
  return { ...params, _meta: envelope }
}

/** Takes the envelope, and what belongs to multi-round requests, from a modern request on its way to a legacy upstream. */
export function withoutEnvelope(params: JsonObject | undefined): JsonObject {
  const { _meta, inputResponses: _responses, requestState: _state, ...rest } = params ?? {}
  const meta = withoutReservedKeys(_meta)
  return meta ? { ...rest, _meta: meta } : rest
}

/** `_meta` without the protocol's own keys; undefined when nothing is left. */
export function withoutReservedKeys(meta: unknown): JsonObject | undefined {
  if (!isJsonObject(meta)) return undefined
  const own = Object.entries(meta).filter(([key]) => !key.startsWith(metaPrefix))
  return own.length === 0 ? undefined : Object.fromEntries(own)
}
