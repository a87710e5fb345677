/** One condition of a rule: a place in the arguments, and what must stand there. */
import { parseArgumentPath } from '#contract/argument-path.ts'
import type { Condition } from '#contract/policy.ts'
import { findArgument } from './argument.ts'
import { matchesWildcard } from './wildcard.ts'

/** `unknown`: the argument is missing, unclear, or of another type than what it is compared with. */
export type Verdict = 'holds' | 'fails' | 'unknown'

export type Check = { path: string; judge: (args: unknown) => Verdict }

/** A longer text is not compared with patterns: what that costs would be for the caller to say. */
const matchedCharsMax = 65_536

export function toCheck(condition: Condition): Check {
  const { path } = condition
  const steps = parseArgumentPath(path)
  // The schema lets no such path in; what cannot be read cannot be evaluated.
  if (!steps) return { path, judge: () => 'unknown' }
  const { exists } = condition
  const tests = toTests(condition)
  return {
    path,
    judge(args) {
      const found = findArgument(args, steps)
      if (found.kind === 'unclear') return 'unknown'
      const isThere = found.kind === 'value'
      if (exists !== undefined && exists !== isThere) return 'fails'
      if (!isThere) return tests.length > 0 ? 'unknown' : 'holds'
      return judgeAll(tests, found.value)
    },
  }
}

/** One that fails is enough to fail, whatever is unknown. */
function judgeAll(tests: readonly Test[], value: unknown): Verdict {
  let verdict: Verdict = 'holds'
  for (const test of tests) {
    const one = test(value)
    if (one === 'fails') return one
    if (one === 'unknown') verdict = one
  }
  return verdict
}

type Test = (value: unknown) => Verdict

function toTests({ eq, ne, lt, lte, gt, gte, in: members, notIn, matches }: Condition): Test[] {
  return [
    ...given(eq, (wanted) => isAmong([wanted])),
    ...given(ne, (other) => not(isAmong([other]))),
    ...given(lt, (bound) => isNumber((value) => value < bound)),
    ...given(lte, (bound) => isNumber((value) => value <= bound)),
    ...given(gt, (bound) => isNumber((value) => value > bound)),
    ...given(gte, (bound) => isNumber((value) => value >= bound)),
    ...given(members, isAmong),
    ...given(notIn, (others) => not(isAmong(others))),
    ...given(matches, isLike),
  ]
}

function given<Operand>(operand: Operand | undefined, toTest: (operand: Operand) => Test): Test[] {
  return operand === undefined ? [] : [toTest(operand)]
}

function isAmong(members: readonly unknown[]): Test {
  const values = new Set(members)
  const types = new Set(members.map((member) => typeof member))
  return (value) => (types.has(typeof value) ? verdictOf(values.has(value)) : 'unknown')
}

function not(test: Test): Test {
  const opposite = { holds: 'fails', fails: 'holds', unknown: 'unknown' } as const
  return (value) => opposite[test(value)]
}

function isNumber(compare: (value: number) => boolean): Test {
  return (value) => (typeof value === 'number' ? verdictOf(compare(value)) : 'unknown')
}

function isLike(pattern: string): Test {
  return (value) =>
    typeof value === 'string' && value.length <= matchedCharsMax
      ? verdictOf(matchesWildcard(pattern, value))
      : 'unknown'
}

function verdictOf(holds: boolean): Verdict {
  return holds ? 'holds' : 'fails'
}
