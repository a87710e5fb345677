import type { Judgement } from './judge.ts'
import type { SuiteRun } from './suite.ts'

/** One row of the table: a set of scenarios against one arrangement of processes. */
export type ConformanceRun = {
  name: string
  title: string
  /** The scenarios that count, as they are named in the results. */
  scenarios: string[]
  /** Checks that may fail, `scenario:check`. */
  baseline: string[]
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
  const message = `the suite ended with ${exitCode}:\n${output.slice(-outputCharsMax)}`
  return { ...judgement, failed: [scenario], problems: [{ scenario, check: 'exit code', message }] }
}
