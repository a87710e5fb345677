/** Finds one argument of a call. Arguments are the caller's words: nothing is taken for granted, not even that they are an object. */
import type { ArgumentStep } from '#contract/argument-path.ts'
import { isJsonObject } from '#core/protocol/json-rpc.ts'
import { foldCase } from '#core/protocol/scan.ts'

/**
 * `unclear`: what stands on the way is no object or no list, or the name is there in another spelling. Some servers read names without
 * regard to case (Go does), or take a text for the JSON in it: they would see what was not looked at.
 */
export type FoundArgument = { kind: 'value'; value: unknown } | { kind: 'missing' } | { kind: 'unclear' }

const missing: FoundArgument = { kind: 'missing' }
const unclear: FoundArgument = { kind: 'unclear' }

export function findArgument(args: unknown, path: readonly ArgumentStep[]): FoundArgument {
  let value = args
  for (const step of path) {
    const found = typeof step === 'number' ? findItem(value, step) : findMember(value, step)
    if (found.kind !== 'value') return found
    value = found.value
  }
  return { kind: 'value', value }
}

function findItem(value: unknown, position: number): FoundArgument {
  if (!Array.isArray(value)) return unclear
  return position < value.length ? { kind: 'value', value: value[position] } : missing
}

function findMember(value: unknown, name: string): FoundArgument {
  if (!isJsonObject(value)) return unclear
  for (const key in value) if (key !== name && isOtherSpelling(key, name)) return unclear
  return Object.hasOwn(value, name) ? { kind: 'value', value: value[name] } : missing
}

/** Folding can change a text's length (`ß` is `SS`), but not by more than three times. */
function isOtherSpelling(key: string, name: string): boolean {
  return canBeginAlike(key, name) && key.length <= 3 * name.length && foldCase(key) === foldCase(name)
}

/** Rules out nearly all at once: within ASCII, letters fold to letters that differ in one bit. */
function canBeginAlike(key: string, name: string): boolean {
  const [one, other] = [key.charCodeAt(0), name.charCodeAt(0)]
  return one > 127 || other > 127 || (one | 32) === (other | 32)
}

/** The first argument whose name is not among these; `$` for what has no names at all. */
export function findOtherArgument(args: unknown, names: ReadonlySet<string>): string | null {
  if (!isJsonObject(args)) return '$'
  for (const key in args) if (!names.has(key)) return `$.${toShownName(key)}`
  return null
}

/** `{ "sk-123": … }` puts a secret where a name should be: odd names are not repeated. */
function toShownName(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_-]{0,39}$/.test(name) ? name : '[hidden]'
}
