import type { ConformanceRun } from './conformance-run.ts'
import type { Judgement } from './judge.ts'
import { suiteVersion } from './suite.ts'

export type Outcome = { run: ConformanceRun; judgement: Judgement; durationMs: number }

export function countScenarios(outcomes: readonly Outcome[]): { passed: number; known: number; failed: number } {
  const count = { passed: 0, known: 0, failed: 0 }
  for (const { judgement } of outcomes) {
    count.passed += judgement.passed.length
    count.known += judgement.known.length
    count.failed += judgement.failed.length
  }
  return count
}

export function renderTable(outcomes: readonly Outcome[]): string {
  const head = ['run', 'what', 'passed', 'known', 'failed', 'checks', 'seconds']
  const rows = outcomes.map((outcome) => [...toCells(outcome), (outcome.durationMs / 1000).toFixed(1)])
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)))
  const renderRow = (row: string[]): string => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')
  return [head, widths.map((width) => '-'.repeat(width)), ...rows].map(renderRow).join('\n')
}

export function renderProblems(outcomes: readonly Outcome[]): string {
  return outcomes
    .flatMap(({ run, judgement }) =>
      judgement.problems.map(({ scenario, check, message }) => `${run.name}  ${scenario}  ${check}\n    ${message}`),
    )
    .join('\n')
}

export function renderIdle(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap(({ run, judgement }) =>
    judgement.idle.map((scenario) => `${run.name}: ${scenario} found nothing to check`),
  )
}

export function toSummary(outcomes: readonly Outcome[]): object {
  return {
    suite: suiteVersion,
    ...countScenarios(outcomes),
    runs: outcomes.map(({ run, judgement, durationMs }) => ({
      name: run.name,
      title: run.title,
      passed: judgement.passed.length,
      known: judgement.known.length,
      failed: judgement.failed.length,
      idle: judgement.idle,
      checks: judgement.checks,
      durationMs: Math.round(durationMs),
      problems: judgement.problems,
    })),
  }
}

/** Without times and dates: the page changes only when a result does. */
export function renderDocs(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map((outcome) => `| ${toCells(outcome).join(' | ')} |`)
  const baseline = outcomes.flatMap(({ run }) => run.baseline.map((entry) => `- ${run.name}: \`${entry}\``))
  const reasons = outcomes.flatMap(({ run }) => (run.baselineReason ? [`- ${run.name}: ${run.baselineReason}.`] : []))
  return `# Conformance

Results of the official suite, \`@modelcontextprotocol/conformance\` ${suiteVersion}, with Toolgate between the two sides.
This page is written by

    npm run conformance -- --write-docs

| Run | What | Passed | Known | Failed | Checks |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

*Passed*, *known* and *failed* count scenarios; a warning of the suite counts as a failure. The runs contain the scenarios
that the revision requires and those that the suite still calls pending; the client run contains every client scenario
that needs no authorization, and the auth runs contain those that do. In them Toolgate is OAuth's client: a person calls a
tool, is shown a link, connects an account in a browser, and calls again.

*Known* scenarios fail in the checks that are named below only, for these reasons; \`test/conformance/baseline-*.yml\` say more.

${reasons.join('\n')}

${[...baseline, ...renderIdle(outcomes).map((line) => `- ${line}`)].join('\n')}
`
}

function toCells({ run, judgement }: Outcome): string[] {
  const { passed, known, failed, checks } = judgement
  const total = run.scenarios.length
  const checkCount = `${checks.passed}/${checks.passed + checks.failed}`
  return [run.name, run.title, `${passed.length}/${total}`, String(known.length), String(failed.length), checkCount]
}
