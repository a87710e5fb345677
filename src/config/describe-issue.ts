/** Our own words for what a schema finds wrong: the key and what it must be, never what it is. */
import type { z } from 'zod'
import { findClosest } from './did-you-mean.ts'
import { knownKeys } from './json-schema.ts'
import { isRecord, isShownKey } from './key-path.ts'
import type { KeyPath } from './key-path.ts'

export type Finding = { readonly path: KeyPath; readonly message: string; readonly isAboutKey: boolean }

/** Of a value that has none of several forms: said only where those say nothing better. */
const unfitting = 'has a form that is not allowed here'

/** A schema's own message comes first; this is zod's error map for the rest. */
export function describeIssue(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return describeType(issue.expected, issue.input)
    case 'invalid_value':
      return describeChoice(issue.input, issue.values)
    case 'invalid_union':
      return Array.isArray(issue.options) ? describeChoice(choiceIn(issue), issue.options) : unfitting
    case 'too_small':
      return describeBound('at least', issue.origin, issue.minimum)
    case 'too_big':
      return describeBound('at most', issue.origin, issue.maximum)
    case 'invalid_format':
      return issue.format === 'url' ? 'must be a complete URL of a scheme that is allowed here' : 'has the wrong form'
    default:
      return 'is not valid'
  }
}

/** One for each unknown key; otherwise one for each issue. */
export function toFindings(issue: z.core.$ZodIssue): Finding[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => describeUnknownKey(issue.path, key))
  if (issue.code === 'invalid_union' && issue.errors.length > 0 && issue.message === unfitting)
    return meantForm(issue.errors).flatMap((inner) => toFindings({ ...inner, path: [...issue.path, ...inner.path] }))
  if (issue.code !== 'invalid_key') return [{ path: issue.path, message: issue.message, isAboutKey: false }]
  const messages = new Set(issue.issues.map((inner) => inner.message))
  return [{ path: issue.path, message: [...messages].join('; '), isAboutKey: true }]
}

/** Of several forms the one whose type was given; else the first, which is the plainest. */
function meantForm(forms: readonly z.core.$ZodIssue[][]): z.core.$ZodIssue[] {
  const isOfType = (form: z.core.$ZodIssue[]): boolean =>
    !form.some(({ code, path }) => code === 'invalid_type' && path.length === 0)
  return forms.find(isOfType) ?? forms[0] ?? []
}

function describeUnknownKey(path: KeyPath, key: string): Finding {
  const closest = isShownKey(key) ? findClosest(key, knownKeys(path)) : null
  const hint = closest === null ? '' : `; did you mean "${closest}"?`
  return { path: [...path, key], message: `unknown key${hint}`, isAboutKey: true }
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a map of keys',
  record: 'a map of keys',
  array: 'a list',
}

function describeType(expected: string, input: unknown): string {
  const wanted = typeNames[expected] ?? 'something else'
  if (input === undefined) return `is required: ${wanted}`
  const hint = expected === 'string' && isBareScalar(input) ? '; put it in quotes' : ''
  return `must be ${wanted}, not ${nameOfType(input)}${hint}`
}

function isBareScalar(input: unknown): boolean {
  return typeof input === 'number' || typeof input === 'boolean'
}

function nameOfType(input: unknown): string {
  if (input === null) return 'empty'
  if (Array.isArray(input)) return 'a list'
  if (typeof input === 'number' && !Number.isInteger(input)) return Number.isFinite(input) ? 'a fraction' : 'infinite'
  return typeof input === 'boolean' ? 'true or false' : (typeNames[typeof input] ?? 'what it is')
}

/** The word by which the forms of a map are told apart. */
function choiceIn({ input, discriminator }: z.core.$ZodRawIssue): unknown {
  return isRecord(input) && typeof discriminator === 'string' ? input[discriminator] : null
}

/** What is close to one of them is most likely meant to be it; what was written is not repeated. */
function describeChoice(input: unknown, values: readonly unknown[]): string {
  if (input === undefined) return `is required: ${oneOf(values)}`
  const closest = typeof input === 'string' ? findClosest(input, values.map(String)) : null
  return `must be ${oneOf(values)}${closest === null ? '' : `; did you mean "${closest}"?`}`
}

function oneOf(values: readonly unknown[]): string {
  const names = values.map((value) => `"${String(value)}"`)
  return names.length === 1 ? names.join('') : `one of ${names.join(', ')}`
}

function describeBound(which: 'at least' | 'at most', origin: string, bound: number | bigint): string {
  if (origin === 'string') {
    return which === 'at least' && bound === 1 ? 'must not be empty' : `must have ${which} ${bound} characters`
  }
  return origin === 'array' ? `must have ${which} ${bound} entries` : `must be ${which} ${bound}`
}
