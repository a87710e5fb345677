/** The YAML library's own messages quote the text, and the text may be a secret: these words stand in their place. */
import type { ErrorCode } from 'yaml'

const messages: Partial<Record<ErrorCode, string>> = {
  BAD_DIRECTIVE: 'is not a valid YAML directive; put a value that starts with % in quotes',
  BAD_DQ_ESCAPE: 'is not a valid escape in double quotes; use single quotes for text with backslashes',
  BAD_INDENT: 'is not indented as what surrounds it, or a bracket is not closed',
  BAD_SCALAR_START: 'starts with a character that YAML reserves; put the value in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'has a second "key:" on one line; put a value that contains ": " in quotes',
  BLOCK_IN_FLOW: 'is not allowed within brackets',
  KEY_OVER_1024_CHARS: 'is a key of more than 1024 characters',
  MISSING_CHAR: 'lacks a character: a closing quote, a comma, a bracket, or a colon after a key',
  MULTILINE_IMPLICIT_KEY: 'is a key of more than one line; a colon may be missing',
  MULTIPLE_DOCS: 'starts a second document; only one is allowed',
  RESOURCE_EXHAUSTION: 'is nested too deeply',
  TAB_AS_INDENT: 'is indented with a tab; use spaces',
  TAG_RESOLVE_FAILED: 'has a YAML tag; put a value that starts with ! in quotes',
  UNEXPECTED_TOKEN: 'is not expected here; a quote, a bracket or the indentation may be wrong',
}

export function syntaxMessage(code: ErrorCode): string {
  return messages[code] ?? 'is not valid YAML'
}
