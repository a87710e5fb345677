/** The `Mcp-*` request headers of modern Streamable HTTP, which mirror the body (2026-07-28, basic/transports/streamable-http). */
import { GatewayError } from '#contract/errors.ts'
import { isJsonObject, type JsonObject } from './json-rpc.ts'

/** Header lookup by lower-case name, as `node:http` gives it. */
export type HeaderLookup = Readonly<Record<string, string | string[] | undefined>>

/** The `params` member that `Mcp-Name` mirrors, by method. */
const nameMember: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
}

const plainValue = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/
const sentinel = /^=\?base64\?(.*)\?=$/
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** The value `Mcp-Name` must have, or undefined where the method has none. */
export function mirroredName(method: string, params: JsonObject | undefined): string | undefined {
  const member = nameMember[method]
  const value = member === undefined ? undefined : params?.[member]
  return typeof value === 'string' ? value : undefined
}

/** A value that is not safe as a header, or that looks like the sentinel, travels as `=?base64?…?=`. */
export function encodeHeaderValue(value: string): string {
  if (plainValue.test(value) && !sentinel.test(value)) return value
  const bytes = new TextEncoder().encode(value)
  return `=?base64?${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))}?=`
}

/** @throws GatewayError `header_mismatch` for a sentinel whose content is not base64 of UTF-8. */
function decodeHeaderValue(value: string): string {
  const trimmed = value.trim()
  const encoded = sentinel.exec(trimmed)?.[1]
  if (encoded === undefined) return trimmed
  if (!base64.test(encoded)) throw mismatch('a header holds broken base64')
  try {
    const bytes = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0))
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw mismatch('a header holds base64 that is not UTF-8')
  }
}

/**
 * A body-processing server MUST verify that headers and body agree.
 * @throws GatewayError `header_mismatch`, with the header's name and never its value
 */
export function checkMirrorHeaders(headers: HeaderLookup, message: { method: string; params?: JsonObject }): void {
  const method = single(headers, 'mcp-method')
  if (method === undefined) throw mismatch('Mcp-Method is missing')
  if (method.trim() !== message.method) throw mismatch('Mcp-Method differs from the body')
  const name = mirroredName(message.method, message.params)
  if (name === undefined) return
  const claimed = single(headers, 'mcp-name')
  if (claimed === undefined) throw mismatch('Mcp-Name is missing')
  if (decodeHeaderValue(claimed) !== name) throw mismatch('Mcp-Name differs from the body')
}

export function single(headers: HeaderLookup, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : value?.[0]
}

export function mismatch(what: string): GatewayError {
  return new GatewayError('header_mismatch', { details: { reason: what } })
}

/** One `x-mcp-header` annotation of a tool's input schema: the header that mirrors the argument at `path`. */
export type ParamHeader = { header: string; path: readonly string[] }

const headerToken = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/
const mirrorableTypes = new Set(['string', 'integer', 'boolean'])

/**
 * Reads the annotations of a tool's input schema, through `properties` only.
 * @returns null when one of them is invalid: such a tool must not be offered over HTTP.
 */
export function readParamHeaders(inputSchema: unknown): ParamHeader[] | null {
  const found: ParamHeader[] = []
  if (!collectParamHeaders(inputSchema, [], found)) return null
  const names = new Set(found.map(({ header }) => header.toLowerCase()))
  return names.size === found.length ? found : null
}

function collectParamHeaders(schema: unknown, path: readonly string[], found: ParamHeader[]): boolean {
  // Schemas are an upstream's word; deeper than this nothing is mirrored.
  if (path.length > 16 || !isJsonObject(schema)) return true
  const properties = schema['properties']
  if (hasAnnotationElsewhere(schema)) return false
  if (!isJsonObject(properties)) return true
  for (const [key, property] of Object.entries(properties)) {
    if (!isJsonObject(property)) continue
    const own = [...path, key]
    if ('x-mcp-header' in property) {
      const header = property['x-mcp-header']
      if (typeof header !== 'string' || !headerToken.test(header) || !mirrorableTypes.has(String(property['type'])))
        return false
      found.push({ header, path: own })
    }
    if (!collectParamHeaders(property, own, found)) return false
  }
  return true
}

/** An annotation below `items`, `oneOf` and the like cannot be reached through `properties`: the tool is invalid. */
function hasAnnotationElsewhere(schema: JsonObject): boolean {
  return Object.entries(schema).some(
    ([key, value]) => key !== 'properties' && typeof value === 'object' && value !== null && holdsAnnotation(value, 0),
  )
}

function holdsAnnotation(value: unknown, depth: number): boolean {
  if (depth > 16 || typeof value !== 'object' || value === null) return false
  if (!Array.isArray(value) && 'x-mcp-header' in value) return true
  return Object.values(value).some((inner) => holdsAnnotation(inner, depth + 1))
}

function argumentAt(args: unknown, path: readonly string[]): unknown {
  let value = args
  for (const key of path) value = isJsonObject(value) ? value[key] : undefined
  return value
}

/** @throws GatewayError `header_mismatch` when a mirrored argument's header is missing, differs, or is there without its argument */
export function checkParamHeaders(headers: HeaderLookup, annotations: readonly ParamHeader[], args: unknown): void {
  for (const { header, path } of annotations) {
    const name = `Mcp-Param-${header}`
    const claimed = single(headers, name.toLowerCase())
    const value = argumentAt(args, path)
    if (value === undefined || value === null) {
      if (claimed !== undefined) throw mismatch(`${name} is there without its argument`)
      continue
    }
    if (claimed === undefined) throw mismatch(`${name} is missing`)
    if (!isMirrored(decodeHeaderValue(claimed), value)) throw mismatch(`${name} differs from its argument`)
  }
}

/** Numbers are compared as numbers: `1e3` and `1000` are one value. */
function isMirrored(text: string, value: unknown): boolean {
  if (typeof value === 'number') return text !== '' && Number(text) === value
  return typeof value === 'boolean' ? text === String(value) : text === value
}

/** Of one mirrored argument. Servers and proxies take 8 to 16 KiB of headers in all. */
const mirroredCharsMax = 8_192

/**
 * The `mcp-param-*` headers of a call, as a flat list.
 * @throws GatewayError `invalid_params` where an argument is too long for a header
 */
export function buildParamHeaders(annotations: readonly ParamHeader[], args: unknown): string[] {
  return annotations.flatMap(({ header, path }) => {
    const value = argumentAt(args, path)
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return []
    if (typeof value === 'string' && value.length > mirroredCharsMax)
      throw new GatewayError('invalid_params', { details: { reason: 'too long for its header', mirroredCharsMax } })
    return [`mcp-param-${header.toLowerCase()}`, encodeHeaderValue(String(value))]
  })
}
