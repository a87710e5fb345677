import type { Judgement, Problem } from './judge.ts'
import type { SuiteRun } from './suite.ts'

/** One row of the table: a set of scenarios against one arrangement of processes. */
export type ConformanceRun = {
  name: string
  title: string
  /** The scenarios that count, as they are named in the results. */
  scenarios: string[]
  /** Checks that may fail, `scenario:check`. */
  baseline: string[]
  /** Why they may, for readers of the results. */
  baselineReason?: string
  /** False where the two sides speak different revisions: they need the gateway. */
  canBeDirect: boolean
  start(options: RunOptions): Promise<Judgement>
}

export type RunOptions = {
  /** Leaves the gateway out. */
  isDirect: boolean
  /** Where the suite writes its results. */
  folder: string
}

const outputCharsMax = 2_000

/** The suite’s own verdict has the last word: it also fails a client that crashed or a time limit that passed. */
export function heedExitCode(judgement: Judgement, scenario: string, { exitCode, output }: SuiteRun): Judgement {
  if (exitCode === 0 || judgement.failed.length > 0) return judgement
  return failWith(judgement, {
    scenario,
    check: 'exit code',
    message: `the suite ended with ${exitCode}:\n${output.slice(-outputCharsMax)}`,
  })
}

/** What a driver writes that knows how its scenario has to end. */
export const endedAsExpected = 'ended as expected'

/** The suite lets the client fail in some scenarios, and looks at none of what it was shown: its driver has a word in it, too. */
export function heedDriver(judgement: Judgement, scenario: string, { scenarios }: SuiteRun): Judgement {
  const client = scenarios[0]?.client
  if (client?.stdout.includes(endedAsExpected) || judgement.failed.length > 0) return judgement
  return failWith(judgement, { scenario, check: 'driver', message: client?.stderr ?? 'it did not run' })
}

/** @param judgement of this one scenario */
function failWith(judgement: Judgement, problem: Problem): Judgement {
  return { ...judgement, passed: [], idle: [], known: [], failed: [problem.scenario], problems: [problem] }
}
