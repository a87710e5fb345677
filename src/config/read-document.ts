/** YAML text to plain data, with the place of every value. Nothing of the text itself is in any problem. */
import { LineCounter, isAlias, isCollection, isMap, isNode, isScalar, isSeq, parseDocument } from 'yaml'
import type { Document, Node, Pair, Scalar } from 'yaml'
import type { ConfigProblem } from './config-error.ts'
import { formatPath, pathId } from './key-path.ts'
import type { KeyPath } from './key-path.ts'
import { substitute } from './substitute.ts'
import type { Environment } from './substitute.ts'
import { syntaxMessage } from './syntax-errors.ts'

/** Aliases count as often as they are used, so a few lines cannot become millions of values. */
const nodesMax = 100_000
const depthMax = 32
/** After the first few, each is but the echo of one before. */
const syntaxProblemsMax = 3

/** Lines and columns count from 1. */
export type Position = { readonly line: number; readonly column: number }
/** Where a value stands and where its key does. What has no text of its own, or starts a block, stands at its key. */
export type Place = Position & { readonly key: Position; readonly variables: readonly string[] }
export type ReadDocument = {
  /** Maps, lists, texts, numbers, booleans and nulls; undefined where a problem was found. */
  readonly value: unknown
  readonly problems: readonly ConfigProblem[]
  /** Only what is written in the text itself; null for anything else. */
  readonly findPlace: (path: KeyPath) => Place | null
  /** Whether a problem was already found in the value at this path or above it. */
  readonly isBroken: (path: KeyPath) => boolean
}
export type Source = { readonly file: string; readonly text: string; readonly env: Environment }

type State = {
  readonly source: Source
  readonly lines: LineCounter
  readonly places: Map<string, Place>
  readonly anchors: Map<string, Node>
  readonly broken: Set<string>
  readonly problems: ConfigProblem[]
  nodesLeft: number
}
/** `offset` is that of the key until the value's own is known. */
type At = { readonly path: KeyPath; readonly depth: number; readonly offset: number }
type Report = { readonly path: KeyPath; readonly offset: number; readonly message: string }

export function readDocument(source: Source): ReadDocument {
  const lines = new LineCounter()
  const state: State = {
    source,
    lines,
    places: new Map(),
    anchors: new Map(),
    broken: new Set(),
    problems: [],
    nodesLeft: nodesMax,
  }
  const document = parseText(source.text, lines)
  reportSyntax(document, state)
  const value = state.problems.length === 0 ? readNode(document.contents, top, state) : undefined
  const { places, broken } = state // All that the functions below keep alive: not the text, not the environment.
  return {
    value: state.nodesLeft > 0 ? value : undefined,
    problems: state.problems,
    findPlace: (path) => places.get(pathId(path)) ?? null,
    isBroken: (path) => path.some((_, index) => broken.has(pathId(path.slice(0, index + 1)))),
  }
}

const top: At = { path: [], depth: 0, offset: 0 }

/** Version and schema are fixed: `yes` is text, and dates stay text. Duplicate keys are found below, in linear time. */
function parseText(text: string, lineCounter: LineCounter): Document.Parsed {
  return parseDocument(text, {
    lineCounter,
    version: '1.2',
    schema: 'core',
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: 'error',
  })
}

function reportSyntax(document: Document.Parsed, state: State): void {
  const faults = [...document.errors, ...document.warnings].toSorted((a, b) => a.pos[0] - b.pos[0])
  const seenLines = new Set<number>()
  for (const { code, pos } of faults) {
    const { line } = position(state, pos[0])
    if (seenLines.has(line) || seenLines.size === syntaxProblemsMax) continue
    seenLines.add(line)
    report(state, { path: [], offset: pos[0], message: syntaxMessage(code) + variableHint(state, pos[0]) })
  }
  if (document.directives.yaml.explicit === true && document.directives.yaml.version !== '1.2') {
    report(state, { path: [], offset: 0, message: 'asks for another YAML version; only 1.2 is read' })
  }
}

/** YAML takes the braces of `{ port: ${PORT} }` for its own: the likeliest slip there is, and the hardest to see. */
function variableHint({ source: { text } }: State, offset: number): string {
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset + 1)
  return line.includes('${') ? '; within { } and [ ], "${NAME}" needs quotes' : ''
}

function readNode(node: unknown, at: At, state: State): unknown {
  state.nodesLeft -= 1
  if (state.nodesLeft === 0) report(state, { ...at, message: `holds more than ${nodesMax} values` })
  if (state.nodesLeft <= 0) return undefined
  if (!isNode(node)) return null
  if (at.depth > depthMax) return stop(state, { ...at, message: 'is nested too deeply, or holds itself' })
  const here = { ...at, offset: ownOffset(node) ?? at.offset }
  setPlace(state, here, at.offset)
  if (isAlias(node)) return readAlias(node.source, here, state)
  if (node.anchor !== undefined) state.anchors.set(node.anchor, node)
  if (node.tag !== undefined) return reject(state, { ...here, message: syntaxMessage('TAG_RESOLVE_FAILED') })
  if (isMap(node)) return readMap(node.items, here, state)
  if (isSeq(node)) return node.items.map((item, index) => readNode(item, below(startOf(item, here), index), state))
  return isScalar(node) ? readScalar(node, here, state) : undefined
}

/** Null for a block map, whose first key is on a later line, and for a value that is not there. */
function ownOffset(node: Node): number | null {
  if (isCollection(node) && node.flow !== true) return null
  const [start, end] = node.range ?? [0, 0]
  return start === end ? null : start
}

function readAlias(anchor: string, at: At, state: State): unknown {
  const target = state.anchors.get(anchor)
  const message = 'names an anchor that does not stand above it; put a value that starts with * in quotes'
  if (target === undefined) return reject(state, { ...at, message })
  return readNode(target, { ...at, depth: at.depth + 1 }, state)
}

function readMap(items: readonly Pair[], at: At, state: State): Record<string, unknown> {
  const entries = new Map<string, unknown>()
  for (const { key, value } of items) {
    const keyAt = startOf(key, at)
    const name = isScalar(key) ? keyText(key) : null
    const fault = keyFault(name, value, entries)
    if (fault !== null) report(state, { ...keyAt, message: fault })
    else if (name !== null) entries.set(name, readNode(value, below(keyAt, name), state))
  }
  return Object.fromEntries(entries)
}

function keyText(key: Scalar): string | null {
  return key.tag === undefined && key.value !== null ? (key.source ?? null) : null
}

function keyFault(name: string | null, value: unknown, earlier: ReadonlyMap<string, unknown>): string | null {
  if (name === null) return 'has a key that is not plain text'
  if (value === null) return 'has a key without a value; write "key: value", with a space after the colon'
  if (name === '__proto__') return 'has a key that is not allowed'
  return earlier.has(name) ? 'has the same key twice' : null
}

function readScalar(node: Scalar, at: At, state: State): unknown {
  if (typeof node.value !== 'string') return node.value
  const { text, variables, faults } = substitute(node.value, state.source.env)
  setVariables(state, at.path, variables)
  for (const { nth, message } of faults) reject(state, { ...at, offset: offsetOfNth(node, nth, state), message })
  return faults.length === 0 ? text : undefined
}

/** The very `${`, unless quotes or escapes hide it. */
function offsetOfNth(node: Scalar, nth: number, state: State): number {
  const [start, end] = node.range ?? [0, 0]
  const parts = state.source.text.slice(start, end).split('${')
  return parts.length > nth + 1 ? start + parts.slice(0, nth + 1).join('${').length : start
}

function startOf(node: unknown, at: At): At {
  return isNode(node) ? { ...at, offset: node.range?.[0] ?? at.offset } : at
}

function below(at: At, key: string | number): At {
  return { path: [...at.path, key], depth: at.depth + 1, offset: at.offset }
}

/** The first place stays: what an alias stands for counts as written where the alias is. */
function setPlace(state: State, at: At, keyOffset: number): void {
  const id = pathId(at.path)
  if (state.places.has(id)) return
  state.places.set(id, { ...position(state, at.offset), key: position(state, keyOffset), variables: [] })
}

function setVariables(state: State, path: KeyPath, variables: readonly string[]): void {
  const known = state.places.get(pathId(path))
  if (known !== undefined) state.places.set(pathId(path), { ...known, variables })
}

function position(state: State, offset: number): Position {
  const { line, col } = state.lines.linePos(offset)
  return { line, column: col }
}

function report(state: State, { path, offset, message }: Report): void {
  state.problems.push({ file: state.source.file, ...position(state, offset), path: formatPath(path), message })
}

/** The value cannot be used, so nobody else should complain about it. */
function reject(state: State, { path, offset, message }: Report): undefined {
  report(state, { path, offset, message })
  state.broken.add(pathId(path))
}

/** One such problem is enough: an alias within itself would bring thousands. */
function stop(state: State, { path, offset, message }: Report): undefined {
  report(state, { path, offset, message })
  state.nodesLeft = 0
}
