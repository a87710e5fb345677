/**
 * Runs the official conformance suite: npm run conformance -- [NAME]… [--direct] [--write-docs]
 *
 *     NAME          legacy-legacy, modern-modern, legacy-modern, modern-legacy, legacy-dual, modern-dual, tasks, client, auth-legacy,
 *                   auth-modern or auth-extensions; auth for the three of them. `--only NAME` means the same.
 *     --direct      without a gateway: tests the fixture and the driver
 *     --write-docs  writes docs/reference/conformance.md
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { authRuns } from './auth-runs.ts'
import { clientRun } from './client-run.ts'
import type { ConformanceRun } from './conformance-run.ts'
import { createJudgement, type Judgement } from './judge.ts'
import {
  countScenarios,
  renderDocs,
  renderIdle,
  renderProblems,
  renderTable,
  toSummary,
  type Outcome,
} from './report.ts'
import { serverRuns } from './server-runs.ts'
import { taskRun } from './task-run.ts'

const root = new URL('../..', import.meta.url).pathname
const outFolder = join(root, 'out')
const resultsFolder = join(outFolder, 'conformance')

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', multiple: true, default: [] },
    direct: { type: 'boolean', default: false },
    'write-docs': { type: 'boolean', default: false },
  },
})
const isDirect = values.direct
const names = [...positionals, ...values.only]
if (values['write-docs'] && (isDirect || names.length > 0))
  throw new Error('--write-docs needs all runs, with the gateway')

// The children are killed when this process exits; without a handler a signal would skip that.
process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))

await rm(resultsFolder, { recursive: true, force: true })
await mkdir(resultsFolder, { recursive: true })
const outcomes: Outcome[] = []
for (const run of selectRuns()) outcomes.push(await startRun(run))
await report(outcomes)

function selectRuns(): ConformanceRun[] {
  const all = [...serverRuns, taskRun, clientRun, ...authRuns]
  const isMeant = (run: ConformanceRun, name: string): boolean => run.name === name || run.name.startsWith(`${name}-`)
  const unknown = names.filter((name) => !all.some((run) => isMeant(run, name)))
  if (unknown.length > 0) throw new Error(`there are ${all.map((run) => run.name).join(', ')}`)
  const selected = all.filter((run) => names.length === 0 || names.some((name) => isMeant(run, name)))
  if (!isDirect) return selected
  const direct = selected.filter((run) => run.canBeDirect)
  if (direct.length === 0) throw new Error('that run needs the gateway')
  return direct
}

async function startRun(run: ConformanceRun): Promise<Outcome> {
  process.stdout.write(`${run.name} …\n`)
  const startedMs = performance.now()
  const judgement = await run
    .start({ isDirect, folder: join(resultsFolder, run.name) })
    .catch((error: unknown) => failAll(run, error))
  return { run, judgement, durationMs: performance.now() - startedMs }
}

/** What could not even start has failed in every scenario. */
function failAll(run: ConformanceRun, error: unknown): Judgement {
  const message = error instanceof Error ? error.message : String(error)
  const problems = [{ scenario: '*', check: 'start', message }]
  return { ...createJudgement(), failed: run.scenarios, problems }
}

async function report(results: Outcome[]): Promise<void> {
  await writeFile(join(outFolder, 'conformance.json'), `${JSON.stringify(toSummary(results), null, 2)}\n`)
  if (values['write-docs']) await writeFile(join(root, 'docs/reference/conformance.md'), renderDocs(results))
  const { passed, known, failed } = countScenarios(results)
  const parts = ['', renderTable(results), renderProblems(results), ...renderIdle(results)]
  if (failed > 0) parts.push(`details: ${resultsFolder}`)
  if (known > 0) parts.push(`${known} more fail only in checks that the baseline names`)
  parts.push(`conformance: ${passed} passed, ${failed} failed`)
  process.stdout.write(`${parts.filter((part, index) => part || index === 0).join('\n')}\n`)
  process.exitCode = failed > 0 ? 1 : 0
}
