/** Bodies come from outside: what is wrong with one is said by path and rule, never by what stands there, which may be a secret. */
import type { z } from 'zod'
import { GatewayError } from './errors.ts'

/** One thing that is wrong with a body. */
export type BodyProblem = {
  /** `members[3].user`; empty: the body as a whole. */
  path: string
  problem: string
}

const problemsMax = 50

/** @throws GatewayError `invalid_body`, with all that is wrong (at most 50) in `details.problems` */
export function parseBody<Output>(schema: z.ZodType<Output>, body: unknown): Output {
  const parsed = schema.safeParse(body, { error: describeIssue })
  if (parsed.success) return parsed.data
  throw invalidBody(parsed.error.issues.flatMap((issue) => toProblems(issue, [])))
}

export function invalidBody(problems: readonly BodyProblem[]): GatewayError {
  return new GatewayError('invalid_body', { details: { problems: problems.slice(0, problemsMax) } })
}

export type BodyPath = readonly PropertyKey[]

/** Keys are the sender's too: `{ "sk-123": … }` puts a secret where a key should be, so odd ones are not repeated. */
export function formatBodyPath(path: BodyPath): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${isPlainKey(key) ? String(key) : '[hidden]'}`))
    .join('')
    .replace(/^\./, '')
}

function isPlainKey(key: PropertyKey): boolean {
  return typeof key === 'string' && /^[A-Za-z_][A-Za-z0-9_-]{0,39}$/.test(key)
}

function toProblems(issue: z.core.$ZodIssue, at: BodyPath): BodyProblem[] {
  const path = [...at, ...issue.path]
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: formatBodyPath([...path, key]), problem: 'is not known here' }))
  }
  if (issue.code === 'invalid_union') {
    // The form that fits best is the one that was meant.
    const meant = issue.errors.toSorted((one, other) => one.length - other.length)[0]
    if (meant) return meant.flatMap((inner) => toProblems(inner, path))
  }
  return [{ path: formatBodyPath(path), problem: issue.message }]
}

/** A schema's own message comes first; these are the words for the rest. */
function describeIssue(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${typeNames[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `must be ${oneOf(issue.values)}`
    case 'invalid_union':
      return Array.isArray(issue.options) ? `must be ${oneOf(issue.options)}` : 'has a form that is not allowed here'
    case 'too_small':
      return `must ${describeBound('at least', issue.origin, issue.minimum)}`
    case 'too_big':
      return `must ${describeBound('at most', issue.origin, issue.maximum)}`
    case 'invalid_format':
      return issue.format === 'regex' ? 'has a form that is not allowed here' : `must be a valid ${issue.format}`
    case 'invalid_key':
      return 'has a key that is not allowed here'
    default:
      return 'is not allowed here'
  }
}

const typeNames: Partial<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

function oneOf(values: readonly unknown[]): string {
  const names = values.map((value) => `"${String(value)}"`)
  return names.length === 1 ? names.join('') : `one of ${names.join(', ')}`
}

function describeBound(which: 'at least' | 'at most', origin: string, bound: number | bigint): string {
  if (origin === 'string') return `have ${which} ${bound} characters`
  return origin === 'array' ? `have ${which} ${bound} entries` : `be ${which} ${bound}`
}
