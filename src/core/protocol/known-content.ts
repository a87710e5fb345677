/**
 * What a client's revision has no content type for, said in text. Fields that it does not know a client ignores, so they pass; a content
 * block of a type that it does not know fails the reading of the whole result.
 */
import { isJsonObject, type JsonObject } from './json-rpc.ts'
import { isAtLeast, type LegacyRevision } from './revisions.ts'

/** A view of results, and of whatever else holds content: `content` of a tool's result, `messages` of a prompt or of a sampling question. */
export type KnownContent = {
  /** Whether a message of this text can hold something to translate. Most cannot, and need not be parsed. */
  concerns(text: string): boolean
  apply(holder: JsonObject): JsonObject
}

type ToText = (block: JsonObject, revision: string) => string

/** By content type: the revision that brought it (server/tools and server/prompts of each), and its stand-in before that. */
const newerTypes: readonly { type: string; since: LegacyRevision; toText: ToText }[] = [
  { type: 'audio', since: '2025-03-26', toText: audioText },
  { type: 'resource_link', since: '2025-06-18', toText: linkText },
]

/** @returns null where the revision knows every type that there is: then no result has to be seen */
export function knownContentOf(revision: string): KnownContent | null {
  const unknown = newerTypes.filter(({ since }) => !isAtLeast(revision, since))
  if (unknown.length === 0) return null
  const words = [...unknown.map(({ type }) => `"${type}"`), '"structuredContent"']
  const texts = new Map<unknown, ToText>(unknown.map(({ type, toText }) => [type, toText]))
  const toKnown = (block: unknown): unknown => {
    if (!isJsonObject(block)) return block
    const toText = texts.get(block['type'])
    if (toText) return textBlock(toText(block, revision), block)
    // A message, or a tool's result within one.
    return 'content' in block ? { ...block, content: eachOf(block['content'], toKnown) } : block
  }
  return {
    concerns: (text) => words.some((word) => text.includes(word)),
    apply: (holder) => {
      const told = withStructuredText(holder)
      const known = { ...told }
      for (const member of ['content', 'messages'] as const)
        if (member in told) known[member] = eachOf(told[member], toKnown)
      return known
    },
  }
}

/** Before 2025-06-18 a client reads `content` alone: where a tool gave none, its structured content takes the place. */
export function withStructuredText(result: JsonObject): JsonObject {
  const { content, structuredContent } = result
  const isEmpty = content === undefined || (Array.isArray(content) && content.length === 0)
  if (structuredContent === undefined || !isEmpty) return result
  return { ...result, content: [{ type: 'text', text: JSON.stringify(structuredContent) }] }
}

function eachOf(value: unknown, map: (part: unknown) => unknown): unknown {
  return Array.isArray(value) ? value.map(map) : map(value)
}

/** The block in words, with the members that text has as well. */
function textBlock(text: string, { annotations, _meta }: JsonObject): JsonObject {
  return {
    type: 'text',
    text,
    ...(annotations === undefined ? {} : { annotations }),
    ...(_meta === undefined ? {} : { _meta }),
  }
}

function audioText({ mimeType }: JsonObject, revision: string): string {
  return `Left out: audio${inBrackets(mimeType)}, which MCP ${revision} cannot carry.`
}

function linkText({ uri, name, title, description, mimeType }: JsonObject): string {
  const label = isText(title) ? title : name
  const target = `${isText(uri) ? uri : ''}${inBrackets(mimeType)}`
  const head = isText(label) ? `${label}: ${target}` : target
  return `Resource link: ${head}${isText(description) ? `\n${description}` : ''}`
}

function inBrackets(value: unknown): string {
  return isText(value) ? ` (${value})` : ''
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
