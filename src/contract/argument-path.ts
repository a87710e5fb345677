/**
 * Where an argument of a call stands: `$.path`, `$.options.mode`, `$.files[0].name`, `$['odd name']`. A small part of JSONPath
 * (RFC 9535): one place, no wildcards, no filters, no functions.
 */
import { z } from 'zod'

/** A member's name, or a position in a list. */
export type ArgumentStep = string | number

const step = /\.([^\s.[\]'"*?,:()@]{1,128})|\[(\d{1,4})\]|\['([^'\\\p{Cc}]{1,128})'\]/uy
const stepsMax = 16

/** @returns null for what is no such path; `$` alone is none */
export function parseArgumentPath(path: string): ArgumentStep[] | null {
  if (!path.startsWith('$')) return null
  const steps: ArgumentStep[] = []
  step.lastIndex = 1
  while (step.lastIndex < path.length) {
    const [, member, position, quoted] = step.exec(path) ?? []
    const found = position === undefined ? (member ?? quoted) : Number(position)
    if (found === undefined || steps.length === stepsMax) return null
    steps.push(found)
  }
  return steps.length > 0 ? steps : null
}

export const ArgumentPath = z
  .string()
  .max(512)
  .refine((path) => parseArgumentPath(path) !== null, "must be a path such as $.path, $.files[0].name or $['odd name']")
  .describe("Where the argument stands: `$.path`, `$.files[0].name`, `$['odd name']`.")
