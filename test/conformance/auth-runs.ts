/** The auth scenarios of the client suite: the suite is the server and its authorization server, and the gateway is OAuth's client. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { siteVariable } from './auth-person.ts'
import { startSite } from './auth-site.ts'
import { heedDriver, heedExitCode, type ConformanceRun, type RunOptions } from './conformance-run.ts'
import { addUp, judge, type Judgement } from './judge.ts'
import {
  listClientScenarios,
  listExtensionScenarios,
  runClientScenario,
  type OldRevision,
  type Revision,
  type ScenarioRun,
} from './suite.ts'

/** `revision`: null where the suite chooses it, as for extensions. */
type Entry = { scenario: string; revision: Revision | OldRevision | null }
type AuthSuite = { name: string; title: string; entries: Entry[]; baselineFile?: string; baselineReason?: string }

const Baseline = z.strictObject({ client: z.array(z.string()) })
const prefix = 'auth/'
/** At once: the suite and the client under test are a process each, and mostly wait. */
const lanes = 3

/** In no list of requirements: they are about servers of before 2025-06-18. */
const oldScenarios = ['auth/2025-03-26-oauth-metadata-backcompat', 'auth/2025-03-26-oauth-endpoint-fallback']

export const authRuns: readonly ConformanceRun[] = [
  toRun({
    name: 'auth-legacy',
    title: 'gateway as OAuth client → server up to 2025-11-25',
    entries: [...at('2025-11-25', listClientScenarios('2025-11-25', prefix)), ...at('2025-03-26', oldScenarios)],
  }),
  toRun({
    name: 'auth-modern',
    title: 'gateway as OAuth client → server 2026-07-28',
    entries: at('2026-07-28', listClientScenarios('2026-07-28', prefix)),
  }),
  toRun({
    name: 'auth-extensions',
    title: 'gateway as OAuth client, extensions',
    entries: at(null, listExtensionScenarios('2025-11-25', 'client', prefix)),
    baselineFile: new URL('./baseline-auth.yml', import.meta.url).pathname,
    baselineReason: 'Toolgate offers neither DPoP nor workload identity federation',
  }),
]

function at(revision: Entry['revision'], scenarios: string[]): Entry[] {
  return scenarios.map((scenario) => ({ scenario, revision }))
}

function toRun(suite: AuthSuite): ConformanceRun {
  const { name, title, entries, baselineFile, baselineReason } = suite
  const baseline = baselineFile ? Baseline.parse(parse(readFileSync(baselineFile, 'utf8'))).client : []
  return {
    name,
    title,
    scenarios: entries.map(({ scenario }) => scenario),
    baseline,
    ...(baselineReason && { baselineReason }),
    canBeDirect: false,
    start: (options) => startScenarios(suite, { ...options, baseline }),
  }
}

const driverFile = new URL('./auth-driver.ts', import.meta.url).pathname

async function startScenarios(suite: AuthSuite, options: RunOptions & { baseline: string[] }): Promise<Judgement> {
  await using site = await startSite()
  const env = { [siteVariable]: JSON.stringify({ url: site.url, bearer: site.bearer }) }
  const command = `"${process.execPath}" "${driverFile}"`
  const given = { command, env, ...(suite.baselineFile && { baselineFile: suite.baselineFile }) }
  const judgements = await inLanes(suite.entries, async ({ scenario, revision }) => {
    const folder = join(options.folder, scenario.replace(prefix, ''))
    const run = await runClientScenario({ ...given, scenario, revision, folder })
    const judgement = judge([scenario], run.scenarios.map(toDistinct), options.baseline)
    return heedDriver(heedExitCode(judgement, scenario, run), scenario, run)
  })
  return addUp(judgements)
}

/** The suite notes every request that brings a token or asks for metadata. How many those are is no result. */
function toDistinct({ checks, ...run }: ScenarioRun): ScenarioRun {
  const distinct = new Map(checks.map((check) => [`${check.id} ${check.status}`, check]))
  return { ...run, checks: [...distinct.values()] }
}

/** In the order of `items`. */
async function inLanes<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = []
  const queue = items.entries()
  const runLane = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: lanes }, runLane))
  return results
}
