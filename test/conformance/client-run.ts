/** The client suite: the suite is the upstream, and the gateway is the client under test. */
import { join } from 'node:path'
import { heedExitCode, type ConformanceRun, type RunOptions } from './conformance-run.ts'
import { addUp, judge, type Judgement } from './judge.ts'
import { runClientScenario, type Revision } from './suite.ts'

/** Every client scenario of the two revisions that needs no authorization. */
const scenarios: readonly [scenario: string, revision: Revision][] = [
  ['initialize', '2025-11-25'],
  ['tools_call', '2025-11-25'],
  ['sse-retry', '2025-11-25'],
  ['elicitation-sep1034-client-defaults', '2025-11-25'],
  ['json-schema-2020-12-preservation', '2025-11-25'],
  ['tools_call', '2026-07-28'],
  ['request-metadata', '2026-07-28'],
  ['http-standard-headers', '2026-07-28'],
  ['http-custom-headers', '2026-07-28'],
  ['http-invalid-tool-headers', '2026-07-28'],
  ['json-schema-ref-no-deref', '2026-07-28'],
  ['json-schema-2020-12-preservation', '2026-07-28'],
  ['sep-2322-client-request-state', '2026-07-28'],
]

export const clientRun: ConformanceRun = {
  name: 'client',
  title: 'gateway as the client, both revisions',
  scenarios: scenarios.map(toLabel),
  baseline: [],
  canBeDirect: true,
  start: startScenarios,
}

function toLabel([scenario, revision]: readonly [string, Revision]): string {
  return `${scenario}@${revision}`
}

const driverFile = new URL('./client-driver.ts', import.meta.url).pathname

async function startScenarios({ isDirect, folder }: RunOptions): Promise<Judgement> {
  // The suite splits the command at spaces and hands it to a shell, which honours the quotes.
  const command = `"${process.execPath}" "${driverFile}"${isDirect ? ' --direct' : ''}`
  const judgements: Judgement[] = []
  for (const entry of scenarios) {
    const [scenario, revision] = entry
    const label = toLabel(entry)
    const suite = await runClientScenario({ scenario, revision, command, folder: join(folder, label) })
    const labelled = suite.scenarios.map(({ checks }) => ({ scenario: label, checks }))
    judgements.push(heedExitCode(judge([label], labelled, []), label, suite))
  }
  return addUp(judgements)
}
