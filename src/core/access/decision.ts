/** What comes out when policies are asked. */
import type { Level, Policy } from '#contract/policy.ts'

export type Reason =
  /** `index` is the rule's position in its policy; `parameter` the argument for which it denies. */
  | { kind: 'rule'; policy: string; index: number; parameter?: string }
  | { kind: 'default'; policy: string }
  | { kind: 'everyone' }
  | { kind: 'ceiling'; name: string }
  | { kind: 'name_too_long' }
  | { kind: 'no_policy' }

export type Decision = {
  level: Level
  reason: Reason
  /** Of a decision for lists: it is the best that some arguments get, and each call must be asked for with its own. */
  isConditional?: true
  /** Of a decision for a call: the rule that would have given more for another argument at this path. */
  unmet?: { policy: string; index: number; parameter: string }
}

export const levelRank: Readonly<Record<Level, number>> = { deny: 0, read: 1, execute: 2, admin: 3 }

export const noPolicy: Decision = { level: 'deny', reason: { kind: 'no_policy' } }
export const forEveryone: Decision = { level: 'execute', reason: { kind: 'everyone' } }
export const nameTooLong: Decision = { level: 'deny', reason: { kind: 'name_too_long' } }

export function toDefaultDecision({ name, default: level }: Policy): Decision {
  return { level, reason: { kind: 'default', policy: name } }
}

export function toCeilingDecision(name: string): Decision {
  return { level: 'deny', reason: { kind: 'ceiling', name } }
}

/** Of a grant that is held within another one. */
export const withinName = 'what its owner may call'

const outside: Readonly<Record<Level, Decision>> = {
  deny: toOutside('deny'),
  read: toOutside('read'),
  execute: toOutside('execute'),
  admin: toOutside('admin'),
}

function toOutside(level: Level): Decision {
  return { level, reason: { kind: 'ceiling', name: withinName } }
}

/** What a grant gives that is held within another one: what both give. */
export function holdWithin(own: Decision, other: Decision): Decision {
  const lower = levelRank[other.level] < levelRank[own.level] ? outside[other.level] : own
  if (lower.level === 'deny' || lower.isConditional === true) return lower
  return own.isConditional === true || other.isConditional === true ? toConditional(lower) : lower
}

const conditional = new WeakMap<Decision, Decision>()

/** One object for each decision: it is kept for every tool. */
export function toConditional(decision: Decision): Decision {
  let known = conditional.get(decision)
  if (!known) conditional.set(decision, (known = { ...decision, isConditional: true }))
  return known
}

/** @param parameter null: it hung on no argument */
export function withParameter(decision: Decision, parameter: string | null): Decision {
  const { level, reason } = decision
  return parameter === null || reason.kind !== 'rule' ? decision : { level, reason: { ...reason, parameter } }
}
