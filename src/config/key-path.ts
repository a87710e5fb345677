/** Key paths: the same list of keys that zod reports, as text for people and as a key for tables. */
import { isSecretText } from '#contract/secret-words.ts'

export type KeyPath = readonly PropertyKey[]

/** Keys come from the file too: `env: { API_KEY=… }` puts a secret where a key should be, so odd ones are not shown. */
const plainKey = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/

export function isShownKey(key: PropertyKey): boolean {
  return typeof key === 'number' || (typeof key === 'string' && plainKey.test(key) && !isSecretText(key))
}

/** `servers.files.args[0]`; a key with a dot in it is quoted, a key that may be a secret is `[hidden]`. */
export function formatPath(path: KeyPath): string {
  return path.map(formatKey).join('').replace(/^\./, '')
}

function formatKey(key: PropertyKey): string {
  if (typeof key === 'number') return `[${key}]`
  const text = String(key)
  if (!isShownKey(key)) return '.[hidden]'
  return text.includes('.') ? `["${text}"]` : `.${text}`
}

/** Different for different paths. */
export function pathId(path: KeyPath): string {
  return path.map(String).join('\0')
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What stands at a path of a document as it was read, or undefined. Own keys only. */
export function valueAt(document: unknown, path: KeyPath): unknown {
  let value = document
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = Reflect.get(value, key)
  }
  return value
}
