/** What clients and servers declare that they can do. */
import { GatewayError } from '#contract/errors.ts'
import { isJsonObject, type JsonObject } from './json-rpc.ts'

/** What the gateway declares where many clients share one upstream session: all that it can bridge to any one of them. */
export const sharedClientCapabilities: JsonObject = { elicitation: { form: {}, url: {} }, sampling: {} }

/** What the gateway passes on of a client's declaration. Anything it cannot relay is not promised to the upstream. */
export function bridgedCapabilities(declared: JsonObject): JsonObject {
  const bridged: JsonObject = {}
  for (const key of ['sampling', 'elicitation', 'roots', 'experimental', 'extensions'] as const) {
    if (isJsonObject(declared[key])) bridged[key] = declared[key]
  }
  return bridged
}

/**
 * For a legacy upstream: extensions are a modern thing, and `roots.listChanged` cannot be promised for a modern client. Tasks are in the
 * form of 2025-11-25, which no modern client declares.
 */
export function legacyUpstreamCapabilities(declared: JsonObject, canSendRootsChanged: boolean): JsonObject {
  const { extensions: _extensions, ...rest } = bridgedCapabilities(declared)
  if (isJsonObject(declared['tasks'])) rest['tasks'] = declared['tasks']
  if (isJsonObject(rest['roots']) && !canSendRootsChanged) rest['roots'] = {}
  return rest
}

/** The capability a question needs, or null where it needs none that we know. */
const neededFor: Readonly<Record<string, string>> = {
  'elicitation/create': 'elicitation',
  'sampling/createMessage': 'sampling',
  'roots/list': 'roots',
  'tasks/get': 'tasks',
  'tasks/result': 'tasks',
  'tasks/list': 'tasks',
  'tasks/cancel': 'tasks',
}

export function canAnswer(capabilities: JsonObject, method: string): boolean {
  const needed = neededFor[method]
  return needed !== undefined && isJsonObject(capabilities[needed])
}

/** Equal declarations give equal text, whatever the order of their keys. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (!isJsonObject(value)) return JSON.stringify(value) ?? 'null'
  const keys = Object.keys(value).toSorted()
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`).join(',')}}`
}

/** The capabilities of an endpoint that joins several servers: what any of them has. */
export function joinServerCapabilities(all: readonly JsonObject[]): JsonObject {
  const joined: JsonObject = {}
  for (const capabilities of all) {
    for (const [key, value] of Object.entries(capabilities)) {
      const before = joined[key]
      joined[key] = isJsonObject(before) && isJsonObject(value) ? { ...before, ...value } : value
    }
  }
  return joined
}

/** A legacy session declares once and a modern client with each request, in the same words: neither is worked out twice. */
const keysByObject = new WeakMap<JsonObject, string>()
const keysByText = new Map<string, string>()
const keysMax = 1_000

/** Far above what any client declares: sessions, lists and views are kept by these words. */
const capabilitiesCharsMax = 8_192

/**
 * Equal for clients for whom upstreams of either era are told the same.
 * @throws GatewayError `invalid_params` when they are too large to be kept
 */
export function capabilitiesKey(declared: JsonObject): string {
  // Most modern clients declare nothing, in a new object with each request.
  if (isEmpty(declared)) return '{}'
  let key = keysByObject.get(declared)
  if (key !== undefined) return key
  const text = JSON.stringify(declared)
  if (text.length > capabilitiesCharsMax)
    throw new GatewayError('invalid_params', { details: { capabilitiesCharsMax } })
  key = keysByText.get(text)
  if (key === undefined) {
    key = canonicalJson({ ...bridgedCapabilities(declared), ...legacyUpstreamCapabilities(declared, true) })
    if (keysByText.size >= keysMax) keysByText.clear()
    keysByText.set(text, key)
  }
  keysByObject.set(declared, key)
  return key
}

function isEmpty(object: JsonObject): boolean {
  for (const _key in object) return false
  return true
}
