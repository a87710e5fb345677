/** Text to configuration: read, put variables in, validate, check across keys. All problems are told at once. */
import { dirname, resolve } from 'node:path'
import type { z } from 'zod'
import { ConfigError } from './config-error.ts'
import type { ConfigProblem } from './config-error.ts'
import { convertVariable } from './convert-variables.ts'
import { crossCheck } from './cross-checks.ts'
import { describeIssue, toFindings } from './describe-issue.ts'
import type { Finding } from './describe-issue.ts'
import { formatPath, isRecord } from './key-path.ts'
import type { KeyPath } from './key-path.ts'
import { buildConfig, deepFreeze, sha256Hex } from './loaded-config.ts'
import type { LoadedConfig } from './loaded-config.ts'
import { LegacySections } from './legacy-schema.ts'
import { inOurWords, legacyKeys, withLegacyServers, type ReadInOurWords } from './legacy-servers.ts'
import { maskDocument } from './mask.ts'
import { readDocument } from './read-document.ts'
import type { Position, ReadDocument } from './read-document.ts'
import { checkTextSize, readConfigText } from './read-text.ts'
import { ConfigDocument } from './schema.ts'
import { completeDefinition } from './server-definition.ts'
import type { Environment } from './substitute.ts'
import { withAbsoluteFiles } from './vault.ts'

export type LoadOptions = {
  /** The file; null: no file, only defaults or `text`. Relative paths in the document start at its folder. */
  readonly path: string | null
  /** Taken instead of the file's content. */
  readonly text?: string
  /** What `${NAME}` stands for. */
  readonly env: Environment
}

/** Throws ConfigError with every problem that was found. No message ever holds a value of the document. */
export function loadConfig({ path, text: given, env }: LoadOptions): LoadedConfig {
  const file = path ?? 'config'
  const text = given ?? (path === null ? '' : readConfigText(path))
  checkTextSize(file, text)
  const { document, read } = validate(readDocument({ file, text, env }), { file, env })
  const folder = path === null ? process.cwd() : dirname(resolve(path))
  const complete = completeDocument(document, folder)
  const masked = maskDocument(complete, (at) => (read.findPlace(at)?.variables.length ?? 0) > 0)
  deepFreeze(masked)
  const { findPlace } = read
  return buildConfig(path, complete, { document: masked, file, contentHash: sha256Hex(text), findPlace })
}

/** A document that is empty, and a section whose every line is commented out, are as if they were not there. */
function withoutEmptySections(value: unknown): unknown {
  if (value === null) return {}
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([key, section]) => section !== null || !isSection(key)))
}

function isSection(key: string): boolean {
  return Object.hasOwn(ConfigDocument.shape, key) || Object.hasOwn(LegacySections.shape, key)
}

type Valid = { readonly document: ConfigDocument; readonly read: ReadInOurWords }

function validate(written: ReadDocument, { file, env }: { file: string; env: Environment }): Valid {
  if (written.value === undefined) throw new ConfigError(written.problems)
  const value = withoutEmptySections(written.value)
  const legacy = toOurWords(value, { ...written, value }, env)
  const { read } = legacy
  const { value: document, findings } = parse(ConfigDocument, read.value, read)
  const problems = [...legacy.findings, ...findings, ...crossCheck(read.value)]
    .filter(({ path }) => !read.isBroken(path))
    .map((finding) => toProblem(finding, read, file))
  if (document === null || read.problems.length + problems.length > 0) {
    throw new ConfigError([...read.problems, ...problems])
  }
  return { document, read }
}

type OurWords = { readonly read: ReadInOurWords; readonly findings: readonly Finding[] }

/** Where others' sections are wrong, the rest is looked at without them. */
function toOurWords(document: unknown, written: ReadDocument, env: Environment): OurWords {
  if (!isRecord(document) || !legacyKeys.some((key) => Object.hasOwn(document, key)))
    return { read: inOurWords(written), findings: [] }
  const given = Object.fromEntries(Object.entries(document).filter(([key]) => Object.hasOwn(LegacySections.shape, key)))
  const { value: sections, findings } = parse(LegacySections, given, written)
  const known = sections ?? { mcp_config: {}, mcp_servers: {} }
  const legacy = withLegacyServers(written, { document, sections: known, env })
  return { read: legacy.read, findings: [...findings, ...legacy.findings] }
}

type Parsed<Output> = { readonly value: Output | null; readonly findings: readonly Finding[] }

function parse<Output>(schema: z.ZodType<Output>, value: unknown, read: ReadDocument): Parsed<Output> {
  const first = schema.safeParse(value, { error: describeIssue })
  if (first.success) return { value: first.data, findings: [] }
  const converted = first.error.issues.filter(
    (issue) => issue.code === 'invalid_type' && convertVariable(value, issue, read),
  )
  const last = converted.length === 0 ? first : schema.safeParse(value, { error: describeIssue })
  if (last.success) return { value: last.data, findings: [] }
  return { value: null, findings: last.error.issues.flatMap(toFindings) }
}

function toProblem({ path, message, isAboutKey }: Finding, read: ReadInOurWords, file: string): ConfigProblem {
  const own = read.findPlace(path)
  const { line, column } = (isAboutKey ? own?.key : own) ?? placeAbove(path, read)
  return { file, line, column, path: formatPath(read.nameOf(path)), message }
}

/** What is missing is reported where it belongs. */
function placeAbove(path: KeyPath, read: ReadDocument): Position {
  for (let length = path.length - 1; length > 0; length -= 1) {
    const place = read.findPlace(path.slice(0, length))
    if (place !== null) return place.key
  }
  return { line: 1, column: 1 }
}

function completeDocument(document: ConfigDocument, folder: string): ConfigDocument {
  const servers = Object.entries(document.servers).map(([name, definition]) => {
    const complete = completeDefinition(definition)
    return [name, complete.cwd === undefined ? complete : { ...complete, cwd: resolve(folder, complete.cwd) }] as const
  })
  const path = resolve(folder, document.storage.path ?? '.toolgate')
  const vault = withAbsoluteFiles(document.vault, (file) => resolve(folder, file))
  return { ...document, vault, storage: { ...document.storage, path }, servers: Object.fromEntries(servers) }
}
