/**
 * What a rule asks of a call's arguments, before it counts. What cannot be evaluated never lets a rule allow, and never keeps a rule from
 * denying.
 */
import type { PolicyRule } from '#contract/policy.ts'
import { findOtherArgument } from './argument.ts'
import { toCheck, type Check } from './condition.ts'

export type Guard = {
  isDeny: boolean
  checks: readonly Check[]
  /** The only arguments that a call may have; null: any. */
  allowedParams: ReadonlySet<string> | null
}

/** `parameter` is the argument on which the answer hung, by its path: what stands there is said nowhere. */
export type GuardAnswer = { applies: boolean; parameter: string | null }

/** @returns null for a rule that asks nothing */
export function toGuard({ level, conditions = [], allowedParams }: PolicyRule): Guard | null {
  if (conditions.length === 0 && allowedParams === undefined) return null
  return {
    isDeny: level === 'deny',
    checks: conditions.map(toCheck),
    allowedParams: allowedParams ? new Set(allowedParams) : null,
  }
}

/** Whether the rule counts for a call with these arguments; none at all are the same as empty ones. */
export function askGuard(guard: Guard, args: unknown): GuardAnswer {
  return guard.isDeny ? askDeny(guard, args ?? {}) : askAllow(guard, args ?? {})
}

function askAllow({ checks, allowedParams }: Guard, args: unknown): GuardAnswer {
  const unmet = checks.find(({ judge }) => judge(args) !== 'holds')
  const parameter = unmet?.path ?? (allowedParams && findOtherArgument(args, allowedParams))
  return { applies: parameter === null, parameter }
}

/** A call that has none but the allowed arguments is not denied. */
function askDeny({ checks, allowedParams }: Guard, args: unknown): GuardAnswer {
  const excused = checks.find(({ judge }) => judge(args) === 'fails')
  if (excused) return { applies: false, parameter: excused.path }
  const other = allowedParams && findOtherArgument(args, allowedParams)
  if (allowedParams && other === null) return { applies: false, parameter: null }
  return { applies: true, parameter: checks[0]?.path ?? other }
}
