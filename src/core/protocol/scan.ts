/**
 * Reads the text of a JSON-RPC request once, without building it: how deep it nests, and where its id and its `params.name` stand. A large
 * message can then go on with only these replaced. The text must have passed `JSON.parse`.
 */
import { isJsonObject } from './json-rpc.ts'
import type { Span } from './splice.ts'

export type Scan = {
  isTooDeep: boolean
  /** Null unless the message is plain: every key of the message and of its params once, and none of them written with escapes. */
  spans: { id: Span; name: Span | null } | null
}

/** A member in another spelling, `Params` say, is taken for one of these by readers that disregard case. */
const envelopeKeys = new Set(['jsonrpc', 'id', 'method', 'params'])
const foldedKeys = new Set([...envelopeKeys].map(foldCase))

/** There and back, because some letters (the long s, the Kelvin sign) meet in one direction only. */
export function foldCase(text: string): string {
  return text.toLowerCase().toUpperCase()
}

const quote = 34
const backslash = 92

/** @param depthMax arrays and objects within each other */
export function scanRequest(text: string, depthMax: number): Scan {
  const scanner = new Scanner(text, depthMax)
  scanner.run()
  const { id, name } = scanner
  return { isTooDeep: scanner.isTooDeep, spans: scanner.isPlain && id ? { id, name } : null }
}

/** A peer that takes the first of two equal keys, where we take the last, would be called with what nobody decided on. */
class Scanner {
  isTooDeep = false
  isPlain = true
  id: Span | null = null
  name: Span | null = null
  readonly #text: string
  readonly #depthMax: number
  readonly #seen: [Set<string>, Set<string>] = [new Set(), new Set()]
  #depth = 0
  /** Whether the object at depth 2 that is being read is `params`. */
  #isParams = false

  constructor(text: string, depthMax: number) {
    this.#text = text
    this.#depthMax = depthMax
  }

  run(): void {
    const text = this.#text
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code === quote) i = this.#string(i)
      else if (code === 123 || code === 91) {
        if (++this.#depth > this.#depthMax) {
          this.isTooDeep = true
          return
        }
      } else if (code === 125 || code === 93) {
        if (--this.#depth === 1) this.#isParams = false
      }
    }
  }

  /** @returns the index of the closing quote */
  #string(start: number): number {
    const end = closingQuote(this.#text, start)
    const isOfInterest = this.#depth === 1 || (this.#depth === 2 && this.#isParams)
    if (isOfInterest && this.#isKey(end)) this.#key(start, end)
    return end
  }

  #isKey(end: number): boolean {
    return this.#text.charCodeAt(skipSpace(this.#text, end + 1)) === 58
  }

  #key(start: number, end: number): void {
    const key = this.#text.slice(start + 1, end)
    const seen = this.#seen[this.#depth === 1 ? 0 : 1]
    if (key.includes('\\') || seen.has(key)) this.isPlain = false
    if (this.#depth === 1 && !envelopeKeys.has(key) && foldedKeys.has(foldCase(key))) this.isPlain = false
    seen.add(key)
    const value = skipSpace(this.#text, skipSpace(this.#text, end + 1) + 1)
    if (this.#depth === 1) this.#isParams = key === 'params'
    if (this.#depth === 1 && key === 'id') this.id = scalarAt(this.#text, value)
    if (this.#depth === 2 && key === 'name') this.name = scalarAt(this.#text, value)
  }
}

/**
 * What walks or serialises a message recurses, and a stack has an end: no peer may send what nests deeper than this. Far above what any
 * message needs.
 */
const messageDepthMax = 1_000

/** Whether a JSON text nests deeper than `messageDepthMax`. Costs nothing for texts that are too short for it. */
export function isNestedTooDeeply(text: string): boolean {
  if (text.length <= 2 * messageDepthMax) return false
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === quote) i = closingQuote(text, i)
    else if (code === 123 || code === 91) {
      if (++depth > messageDepthMax) return true
    } else if (code === 125 || code === 93) depth--
  }
  return false
}

function closingQuote(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end === -1 ? text.length : end
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0
  while (text.charCodeAt(at - 1 - slashes) === backslash) slashes++
  return slashes % 2 === 1
}

function skipSpace(text: string, from: number): number {
  let at = from
  while (text.charCodeAt(at) <= 32) at++
  return at
}

/** Where the string or number at `start` stands. */
function scalarAt(text: string, start: number): Span {
  if (text.charCodeAt(start) === quote) return { start, end: closingQuote(text, start) + 1 }
  let end = start
  while (end < text.length && !',}] \t\r\n'.includes(text.charAt(end))) end++
  return { start, end }
}

export type LargeRequest = { text: string; id: Span; name: Span | null }

/** The request's text with another id, or another tool name, or both. Values are JSON texts. */
export function spliceRequest(request: LargeRequest, values: { id?: string; name?: string }): string {
  const { text, id, name } = request
  const cuts = [
    ...(values.id === undefined ? [] : [{ span: id, value: values.id }]),
    ...(values.name === undefined || !name ? [] : [{ span: name, value: values.name }]),
  ].toSorted((a, b) => b.span.start - a.span.start)
  return cuts.reduce((spliced, { span, value }) => spliced.slice(0, span.start) + value + spliced.slice(span.end), text)
}

/** The same question of a value that is there already: for small messages cheaper than reading their text again. */
export function isDeeperThan(value: unknown, depthMax: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (depthMax === 0) return true
  if (Array.isArray(value)) return value.some((inner) => isDeeperThan(inner, depthMax - 1))
  if (!isJsonObject(value)) return false
  for (const key in value) if (isDeeperThan(value[key], depthMax - 1)) return true
  return false
}
