import type { ScenarioRun as Run } from './suite.ts'

type ScenarioRun = Pick<Run, 'scenario' | 'checks'>

export type Problem = { scenario: string; check: string; message: string }

export type Judgement = {
  /** Scenarios in which every check passed. */
  passed: string[]
  /** Those of them in which nothing applied: the suite saw only that it had nothing to check. */
  idle: string[]
  /** Scenarios whose only failing checks are named in the baseline. */
  known: string[]
  failed: string[]
  checks: { passed: number; failed: number }
  /** Why scenarios failed: never empty when `failed` is not. */
  problems: Problem[]
}

/**
 * Judges as the suite does with a baseline: a warning counts as a failure, and so does a baseline entry that passes by
 * now. A scenario that was expected and did not run has failed.
 *
 * @param baseline entries `scenario:check`.
 */
export function judge(
  expected: readonly string[],
  runs: readonly ScenarioRun[],
  baseline: readonly string[],
): Judgement {
  const judgement = createJudgement()
  for (const scenario of expected) {
    const run = runs.find((candidate) => candidate.scenario === scenario) ?? { scenario, checks: [] }
    const bad = run.checks.filter(isBad)
    const problems = findProblems(run, baseline)
    const successCount = run.checks.filter((check) => check.status === 'SUCCESS').length
    judgement.checks.passed += successCount
    judgement.checks.failed += bad.length
    judgement.problems.push(...problems)
    if (successCount + bad.length + problems.length === 0) judgement.idle.push(scenario)
    if (problems.length > 0) judgement.failed.push(scenario)
    else if (bad.length > 0) judgement.known.push(scenario)
    else judgement.passed.push(scenario)
  }
  return judgement
}

export function createJudgement(): Judgement {
  return { passed: [], idle: [], known: [], failed: [], checks: { passed: 0, failed: 0 }, problems: [] }
}

export function addUp(judgements: Judgement[]): Judgement {
  const sum = createJudgement()
  for (const { passed, idle, known, failed, problems, checks } of judgements) {
    sum.passed.push(...passed)
    sum.idle.push(...idle)
    sum.known.push(...known)
    sum.failed.push(...failed)
    sum.problems.push(...problems)
    sum.checks.passed += checks.passed
    sum.checks.failed += checks.failed
  }
  return sum
}

const isBad = ({ status }: { status: string }): boolean => status === 'FAILURE' || status === 'WARNING'

function findProblems({ scenario, checks }: ScenarioRun, baseline: readonly string[]): Problem[] {
  if (checks.length === 0) return [{ scenario, check: '-', message: 'the scenario did not run' }]
  const known = baseline
    .filter((entry) => entry.startsWith(`${scenario}:`))
    .map((entry) => entry.slice(scenario.length + 1))
  const bad = checks.filter(isBad)
  const unexpected = bad.filter((check) => !known.includes(check.id))
  const stale = known.filter((id) => !bad.some((check) => check.id === id))
  return [
    ...unexpected.map(({ id, errorMessage }) => ({ scenario, check: id, message: errorMessage ?? 'no message' })),
    ...stale.map((id) => ({ scenario, check: id, message: 'passes: take it out of the baseline' })),
  ]
}
