/** A client's configuration file: JSON, or JSON with comments. */
import { readFileSync, statSync } from 'node:fs'
import { unusable } from './read-text.ts'

/** Claude Code keeps much else in its file. */
const fileBytesMax = 67_108_864

/** Throws ConfigError: not readable, too large, not JSON. Nothing of the content is in the message. */
export function readClientConfig(path: string): unknown {
  const text = readText(path)
  try {
    return JSON.parse(text)
  } catch {
    return parseWithComments(text, path)
  }
}

function readText(path: string): string {
  try {
    if (statSync(path).size > fileBytesMax) throw unusable(path, `is larger than ${fileBytesMax} bytes`)
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === null) throw error
    throw unusable(path, code === 'ENOENT' ? 'there is no such file' : 'cannot be read')
  }
}

function parseWithComments(text: string, path: string): unknown {
  try {
    return JSON.parse(withoutTrailingCommas(withoutComments(text)))
  } catch {
    throw unusable(path, 'is not JSON')
  }
}

/** A string first, so that what looks like a comment in one is none. */
const stringOrComment = /("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[^]*?\*\//g
const stringOrComma = /("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])/g

function withoutComments(text: string): string {
  return text.replaceAll(stringOrComment, (_, string: string | undefined) => string ?? ' ')
}

function withoutTrailingCommas(text: string): string {
  return text.replaceAll(stringOrComma, (_, string: string | undefined) => string ?? '')
}
