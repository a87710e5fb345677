/** `port: ${PORT}` is text once the variable is put in; where a number or a boolean is wanted it becomes one. */
import { valueAt } from './key-path.ts'
import type { KeyPath } from './key-path.ts'
import type { ReadDocument } from './read-document.ts'

type Mismatch = { readonly path: KeyPath; readonly expected: string }

/**
 * Changes the document in place, at values that hold a variable only: `port: "4180"` stays an error.
 * Returns whether anything was changed.
 */
export function convertVariable(document: unknown, { path, expected }: Mismatch, read: ReadDocument): boolean {
  const parent = valueAt(document, path.slice(0, -1))
  const key = path.at(-1)
  const text = valueAt(document, path)
  const hasVariable = (read.findPlace(path)?.variables.length ?? 0) > 0
  if (!hasVariable || typeof text !== 'string' || typeof parent !== 'object' || parent === null) return false
  const value = toScalar(text, expected)
  return value !== null && key !== undefined && Reflect.set(parent, key, value)
}

/** Plain decimal digits, `true` and `false`; nothing of YAML's other spellings. */
function toScalar(text: string, expected: string): number | boolean | null {
  if (expected === 'boolean') return text === 'true' || (text === 'false' ? false : null)
  const isNumber = expected === 'number' || expected === 'int'
  return isNumber && /^\d{1,15}$/.test(text) ? Number(text) : null
}
