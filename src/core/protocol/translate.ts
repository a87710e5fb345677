/** Carries answers from one era into the other. What neither era reserves passes through untouched. */
import { serverInfoKey, withoutReservedKeys } from './envelope.ts'
import { isJsonObject, type JsonObject, type Outcome, type RpcError } from './json-rpc.ts'
import { withStructuredText } from './known-content.ts'
import { isAtLeast } from './revisions.ts'

/** Results that a client may cache: modern MCP requires `ttlMs` and `cacheScope` on them. */
const cacheableMethods = new Set([
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
])

/** Requests for one resource, whose error may be that there is none. */
const resourceMethods = new Set(['resources/read', 'resources/subscribe'])

const resourceMissingLegacy = -32002
const invalidParams = -32602
const internalError = -32603
/** 2025-11-25, elicitation: the server wants URLs visited before it takes the call. */
export const urlElicitationRequired = -32042

/** An answer of a legacy upstream, for a modern client. */
export function toModernOutcome(method: string, outcome: Outcome, serverInfo: JsonObject | undefined): Outcome {
  if ('error' in outcome) return { error: toModernError(outcome.error) }
  const meta = isJsonObject(outcome.result['_meta']) ? outcome.result['_meta'] : {}
  const result: JsonObject = { ...outcome.result, resultType: 'complete' }
  if (serverInfo) result['_meta'] = { [serverInfoKey]: serverInfo, ...meta }
  if (cacheableMethods.has(method)) {
    result['ttlMs'] ??= 0
    result['cacheScope'] ??= 'private'
  }
  return { result }
}

/** Modern MCP has no −32002: a missing resource is an invalid parameter. Nor has it −32042, whose URLs it asks for in a result. */
function toModernError(error: RpcError): RpcError {
  if (error.code === resourceMissingLegacy) return { ...error, code: invalidParams }
  return error.code === urlElicitationRequired ? { ...error, code: internalError } : error
}

/** An answer of a modern upstream, for a legacy client of the given revision. */
export function toLegacyOutcome(
  method: string,
  outcome: Outcome,
  client: { revision: string; outputSchema?: unknown },
): Outcome {
  if ('error' in outcome) return { error: toLegacyError(method, outcome.error) }
  const { resultType: _type, ttlMs: _ttl, cacheScope: _scope, _meta, ...result } = outcome.result
  const meta = withoutReservedKeys(_meta)
  const plain: JsonObject = meta ? { ...result, _meta: meta } : result
  return { result: method === 'tools/call' ? toLegacyCallResult(plain, client) : plain }
}

function toLegacyError(method: string, error: RpcError): RpcError {
  const isMissingResource = resourceMethods.has(method) && error.code === invalidParams && hasUri(error.data)
  if (isMissingResource) return { ...error, code: resourceMissingLegacy }
  // −32020 to −32099 speak of things a legacy client never sent.
  return error.code <= -32020 && error.code >= -32099 ? { ...error, code: -32603 } : error
}

function hasUri(data: unknown): boolean {
  return isJsonObject(data) && typeof data['uri'] === 'string'
}

/** Legacy MCP wants an object as structured content: a value is wrapped where it is none, or where its schema had to be. */
function toLegacyCallResult(
  result: JsonObject,
  { revision, outputSchema }: { revision: string; outputSchema?: unknown },
): JsonObject {
  const structured = result['structuredContent']
  if (structured === undefined) return result
  if (!isAtLeast(revision, '2025-06-18')) {
    const { structuredContent: _structured, ...rest } = withStructuredText(result)
    return rest
  }
  return isJsonObject(structured) && !needsWrapping(outputSchema)
    ? result
    : { ...result, structuredContent: { result: structured } }
}

function needsWrapping(outputSchema: unknown): boolean {
  return isJsonObject(outputSchema) && outputSchema['type'] !== 'object'
}

/** A tool for who cannot call it as a task: what it says of that is not shown. */
export function withoutExecution(tool: JsonObject): JsonObject {
  const { execution: _execution, ...rest } = tool
  return rest
}

/** A tool of a modern upstream's list, for a legacy client. Tasks do not map between the eras. */
export function toLegacyTool(tool: JsonObject): JsonObject {
  const rest = withoutExecution(tool)
  const schema = rest['outputSchema']
  if (!needsWrapping(schema)) return rest
  return { ...rest, outputSchema: { type: 'object', properties: { result: schema }, required: ['result'] } }
}

/** A tool of a legacy upstream's list, for a modern client. */
export function toModernTool(tool: JsonObject): JsonObject {
  return withoutExecution(tool)
}
