/** Text to configuration: read, put variables in, validate, check across keys. All problems are told at once. */
import { dirname, resolve } from 'node:path'
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
  const read = readDocument({ file, text, env })
  const document = validate(read, file)
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
  return Object.hasOwn(ConfigDocument.shape, key)
}

function validate(read: ReadDocument, file: string): ConfigDocument {
  if (read.value === undefined) throw new ConfigError(read.problems)
  const value = withoutEmptySections(read.value)
  const { document, findings } = parse(value, read)
  const problems = [...findings, ...crossCheck(value)]
    .filter(({ path }) => !read.isBroken(path))
    .map((finding) => toProblem(finding, read, file))
  if (document === null || read.problems.length + problems.length > 0) {
    throw new ConfigError([...read.problems, ...problems])
  }
  return document
}

type Parsed = { readonly document: ConfigDocument | null; readonly findings: readonly Finding[] }

function parse(value: unknown, read: ReadDocument): Parsed {
  const first = ConfigDocument.safeParse(value, { error: describeIssue })
  if (first.success) return { document: first.data, findings: [] }
  const converted = first.error.issues.filter(
    (issue) => issue.code === 'invalid_type' && convertVariable(value, issue, read),
  )
  const last = converted.length === 0 ? first : ConfigDocument.safeParse(value, { error: describeIssue })
  if (last.success) return { document: last.data, findings: [] }
  return { document: null, findings: last.error.issues.flatMap(toFindings) }
}

function toProblem({ path, message, isAboutKey }: Finding, read: ReadDocument, file: string): ConfigProblem {
  const own = read.findPlace(path)
  const { line, column } = (isAboutKey ? own?.key : own) ?? placeAbove(path, read)
  return { file, line, column, path: formatPath(path), message }
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
