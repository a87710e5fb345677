/** Adds servers to the text of a toolgate.yaml. What a person wrote stays as it is: comments, order, blank lines. */
import { isDeepStrictEqual } from 'node:util'
import { isMap, isScalar, parseDocument, stringify, type Document, type Scalar, type YAMLMap } from 'yaml'
import { isRecord } from './key-path.ts'
import { unusable } from './read-text.ts'
import type { ServerEntry } from './server-definition.ts'

type Servers = Readonly<Record<string, ServerEntry>>

export type AddedServers = {
  readonly text: string
  readonly added: readonly string[]
  /** Names that were there already; those servers are as they were. */
  readonly kept: readonly string[]
}

/** `file` is for messages. Throws ConfigError where the text is no YAML document that servers can be put into. */
export function addServers(text: string, servers: Servers, file: string): AddedServers {
  const document = parse(text)
  const root: unknown = document.toJS()
  if (document.errors.length > 0) throw unusable(file, 'is not valid YAML; see `toolgate config check`')
  if (root !== null && !isRecord(root)) throw unusable(file, 'is not a map; see `toolgate config check`')
  const before = root?.['servers'] ?? {}
  if (!isRecord(before)) throw unusable(file, '"servers" is not a map; see `toolgate config check`')
  const kept = Object.keys(servers).filter((name) => Object.hasOwn(before, name))
  const missing = Object.fromEntries(Object.entries(servers).filter(([name]) => !Object.hasOwn(before, name)))
  const added = Object.keys(missing)
  if (added.length === 0) return { text, added, kept }
  const wanted = { ...root, servers: { ...before, ...missing } }
  const inserted = insertText(text, document, missing)
  const isRight = inserted !== null && isDeepStrictEqual(parse(inserted).toJS(), wanted)
  return { text: isRight ? inserted : rewrite(document, missing), added, kept }
}

/** A document with nothing but these servers. */
export function serversYaml(servers: Servers): string {
  return toYaml({ servers })
}

function parse(text: string): Document.Parsed {
  return parseDocument(text, { version: '1.2', schema: 'core', logLevel: 'error' })
}

function toYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })
}

/** The text with new lines in it and nothing else changed; null where it has no place for lines. */
function insertText(text: string, { contents }: Document.Parsed, servers: Servers): string | null {
  const root = isMap(contents) ? contents : null
  const pair = root?.items.find(({ key }) => isScalar(key) && key.value === 'servers')
  if (pair === undefined) return root?.flow === true ? null : append(text, servers)
  const { key, value } = pair
  if (isMap(value)) return value.flow === true ? null : insertInto(text, value, servers)
  return isScalar(key) ? insertBelow(text, key, servers) : null
}

function append(text: string, servers: Servers): string {
  const start = text === '' || text.endsWith('\n') ? text : `${text}\n`
  return start + (text.trim() === '' ? '' : '\n') + serversYaml(servers)
}

/** An empty section, of comments perhaps. */
function insertBelow(text: string, key: Scalar, servers: Servers): string | null {
  const end = key.range?.[1]
  if (end === undefined) return null
  const next = text.indexOf('\n', end)
  const at = next === -1 ? text.length : next + 1
  const gap = next === -1 ? '\n' : ''
  return text.slice(0, at) + gap + indented(servers, '  ') + text.slice(at)
}

function insertInto(text: string, map: YAMLMap, servers: Servers): string | null {
  const key = map.items[0]?.key
  const [first] = (isScalar(key) && key.range) || []
  const end = map.range?.[1]
  if (first === undefined || end === undefined || end === null) return null
  const indent = text.slice(text.lastIndexOf('\n', first - 1) + 1, first)
  if (!/^ *$/.test(indent)) return null
  const gap = text[end - 1] === '\n' ? '' : '\n'
  return text.slice(0, end) + gap + indented(servers, indent) + text.slice(end)
}

function indented(servers: Servers, indent: string): string {
  return toYaml(servers).replaceAll(/^(?=.)/gm, indent)
}

/** Keeps the comments, but not every space. */
function rewrite(document: Document.Parsed, servers: Servers): string {
  const node: unknown = document.get('servers', true)
  if (isMap(node) && node.items.length > 0) {
    for (const [name, entry] of Object.entries(servers)) node.add(document.createPair(name, entry))
  } else document.set('servers', document.createNode(servers))
  return document.toString({ lineWidth: 0, flowCollectionPadding: true })
}
