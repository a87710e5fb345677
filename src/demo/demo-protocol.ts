/** What the demo server answers, in both eras of MCP. */
import {
  clientCapabilitiesKey,
  claimedRevision,
  metaOf,
  protocolVersionKey,
  serverInfoKey,
} from '#core/protocol/envelope.ts'
import {
  isJsonObject,
  kindOf,
  isRequest,
  type JsonObject,
  type Outcome,
  type RpcRequest,
  type RpcResponse,
} from '#core/protocol/json-rpc.ts'
import { isLegacyRevision, modernRevision, newestLegacyRevision } from '#core/protocol/revisions.ts'
import { callDemoTool, toolDescriptions } from './demo-tools.ts'

export type DemoFacts = { version: string; now: () => number }

const capabilities = { tools: {} }
const instructions = 'A demo: "echo" says what it was told, "time" tells the time.'
const listTtlMs = 3_600_000
const cacheable = { ttlMs: listTtlMs, cacheScope: 'public' }

/** @returns null for what gets no answer */
export function answerDemo(message: unknown, facts: DemoFacts): RpcResponse | null {
  if (!isRequest(message)) return kindOf(message) === 'invalid' ? invalidRequest : null
  const claim = claimedRevision(message.params)
  const outcome = claim === undefined ? answerLegacy(message, facts) : answerModern(message, claim, facts)
  return { jsonrpc: '2.0', id: message.id, ...outcome }
}

const invalidRequest: RpcResponse = {
  jsonrpc: '2.0',
  id: null,
  error: { code: -32600, message: 'This is not a valid JSON-RPC message.' },
}
const methodNotFound: Outcome = { error: { code: -32601, message: 'Method not found.' } }

function answerLegacy({ method, params = {} }: RpcRequest, facts: DemoFacts): Outcome {
  switch (method) {
    case 'initialize': {
      const { protocolVersion: asked } = params
      const protocolVersion = isLegacyRevision(asked) ? asked : newestLegacyRevision
      return { result: { protocolVersion, capabilities, serverInfo: serverInfo(facts), instructions } }
    }
    case 'ping':
      return { result: {} }
    case 'tools/list':
      return { result: { tools: toolDescriptions } }
    case 'tools/call':
      return call(params, facts)
    default:
      return methodNotFound
  }
}

function answerModern(request: RpcRequest, claim: string, facts: DemoFacts): Outcome {
  const supportedVersions = [modernRevision]
  if (claim !== modernRevision) {
    const data = { supported: supportedVersions, requested: claim.slice(0, 64) }
    return { error: { code: -32022, message: 'This protocol version is not supported.', data } }
  }
  if (!isJsonObject(metaOf(request.params)?.[clientCapabilitiesKey])) {
    return { error: { code: -32602, message: `_meta lacks ${clientCapabilitiesKey} beside ${protocolVersionKey}.` } }
  }
  switch (request.method) {
    case 'server/discover':
      return complete({ supportedVersions, capabilities, instructions, ...cacheable }, facts)
    case 'tools/list':
      return complete({ tools: toolDescriptions, ...cacheable }, facts)
    case 'tools/call': {
      const outcome = call(request.params ?? {}, facts)
      return 'result' in outcome ? complete(outcome.result, facts) : outcome
    }
    default:
      return methodNotFound
  }
}

function call(params: JsonObject, facts: DemoFacts): Outcome {
  const result = callDemoTool(params, facts.now())
  return result === null ? { error: { code: -32602, message: 'No such tool.' } } : { result }
}

function complete(result: JsonObject, facts: DemoFacts): Outcome {
  return { result: { resultType: 'complete', ...result, _meta: { [serverInfoKey]: serverInfo(facts) } } }
}

function serverInfo({ version }: DemoFacts): JsonObject {
  return { name: 'toolgate-demo', title: 'Toolgate demo', version }
}
