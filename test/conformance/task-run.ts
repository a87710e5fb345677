/** The scenarios of the tasks extension, which no revision requires: one by one, as the suite does not run them together. */
import { join } from 'node:path'
import { heedExitCode, type ConformanceRun, type RunOptions } from './conformance-run.ts'
import { startTaskUpstream } from './fixture/task-upstream.ts'
import { addUp, judge, type Judgement } from './judge.ts'
import { standBetween } from './server-runs.ts'
import { listExtensionScenarios, runServerScenario } from './suite.ts'

const scenarios = listExtensionScenarios('2026-07-28', 'server', 'tasks-')

export const taskRun: ConformanceRun = {
  name: 'tasks',
  title: 'tasks extension: client 2026-07-28 → server modern',
  scenarios,
  baseline: [],
  canBeDirect: false,
  start: startScenarios,
}

async function startScenarios({ folder }: RunOptions): Promise<Judgement> {
  await using resources = new AsyncDisposableStack()
  const upstream = resources.use(await startTaskUpstream())
  const url = await standBetween(upstream.url, resources)
  const judgements: Judgement[] = []
  for (const scenario of scenarios) {
    const suite = await runServerScenario({ url, scenario, folder: join(folder, scenario) })
    judgements.push(heedExitCode(judge([scenario], suite.scenarios, []), scenario, suite))
  }
  return addUp(judgements)
}
