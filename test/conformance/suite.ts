/** Runs the official suite's command line and reads what it found. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { z } from 'zod'
import { startChild } from './child.ts'

export type Revision = '2025-11-25' | '2026-07-28'
/** Two scenarios are about a client of its servers. */
export type OldRevision = '2025-03-26'

export const Check = z.object({ id: z.string(), status: z.string(), errorMessage: z.string().optional() })
export type Check = z.infer<typeof Check>

export type ScenarioRun = {
  scenario: string
  checks: Check[]
  /** What the client under test wrote; null: there was none. */
  client: { stdout: string; stderr: string } | null
}

export type SuiteRun = { scenarios: ScenarioRun[]; exitCode: number | null; output: string }

const packageFile = fileURLToPath(import.meta.resolve('@modelcontextprotocol/conformance/package.json'))
const suiteProgram = join(dirname(packageFile), 'dist/index.js')
const scenarioMsMax = 30_000

export const suiteVersion = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(packageFile, 'utf8'))).version

const NotScored = z.object({ scenario: z.string(), leg: z.string(), reason: z.string() })
const Requirements = z.object({
  server: z.array(z.string()),
  client: z.array(z.string()),
  not_scored: z.array(NotScored),
})

/** The server scenarios of a revision that are judged here: the scored ones, and the pending ones on top. */
export function listServerScenarios(revision: Revision): string[] {
  const { server, not_scored } = readRequirements(revision)
  const extra = not_scored.filter(({ leg, reason }) => leg === 'server' && reason !== 'extension')
  return [...server, ...extra.map(({ scenario }) => scenario)]
}

/** The client scenarios that a revision requires, by how their names begin. */
export function listClientScenarios(revision: Revision, prefix: string): string[] {
  return readRequirements(revision).client.filter((scenario) => scenario.startsWith(prefix))
}

/** The scenarios of an extension, by how their names begin. */
export function listExtensionScenarios(revision: Revision, leg: 'server' | 'client', prefix: string): string[] {
  return readRequirements(revision)
    .not_scored.filter((entry) => entry.leg === leg && entry.reason === 'extension')
    .flatMap(({ scenario }) => (scenario.startsWith(prefix) ? [scenario] : []))
}

function readRequirements(revision: Revision): z.infer<typeof Requirements> {
  const file = join(dirname(packageFile), 'requirements', `${revision}.yaml`)
  return Requirements.parse(parse(readFileSync(file, 'utf8')))
}

/** Runs every server scenario of a revision against a URL. */
export async function runServerSuite(options: {
  url: string
  revision: Revision
  folder: string
  baselineFile?: string
}): Promise<SuiteRun> {
  const args = ['server', '--url', options.url, '--requirements', options.revision]
  if (options.baselineFile) args.push('--expected-failures', options.baselineFile)
  return runSuite(args, { folder: options.folder, prefix: 'server-' })
}

/** Runs one server scenario, of whatever revision or extension, against a URL. */
export async function runServerScenario(options: { url: string; scenario: string; folder: string }): Promise<SuiteRun> {
  const args = ['server', '--url', options.url, '--scenario', options.scenario]
  return runSuite(args, { folder: options.folder, prefix: 'server-' })
}

/**
 * @param command starts the client under test; the suite appends the URL of its mock server.
 * @param revision null: a scenario of an extension, which the suite runs at the revision of its choice
 * @param env for the client under test
 */
export async function runClientScenario(options: {
  scenario: string
  revision: Revision | OldRevision | null
  command: string
  folder: string
  baselineFile?: string
  env?: Record<string, string>
}): Promise<SuiteRun> {
  const { scenario, revision, command, folder, baselineFile, env } = options
  const args = ['client', '--scenario', scenario, '--command', command]
  if (revision !== null) args.push('--spec-version', revision)
  if (baselineFile) args.push('--expected-failures', baselineFile)
  return runSuite(args, { folder, prefix: '', ...(env && { env }) })
}

/** Where the suite writes: one folder a scenario, named `<prefix><scenario>-<time>`. */
type Results = { folder: string; prefix: 'server-' | '' }

async function runSuite(args: string[], results: Results & { env?: Record<string, string> }): Promise<SuiteRun> {
  const limits = ['--timeout', String(scenarioMsMax), '-o', results.folder]
  // The suite starts clients through a shell and does not wait for grandchildren: the group catches them all.
  const { env } = results
  await using suite = startChild([process.execPath, suiteProgram, ...args, ...limits], {
    isGroupLeader: true,
    ...(env && { env }),
  })
  const exitCode = await suite.exited
  return { scenarios: readScenarios(results), exitCode, output: suite.output() }
}

function readScenarios({ folder, prefix }: Results): ScenarioRun[] {
  const read = (file: string): string => readFileSync(join(folder, file), 'utf8')
  return globSync('**/checks.json', { cwd: folder }).map((file) => ({
    scenario: dirname(file)
      .slice(prefix.length)
      .replace(/-\d{4}-\d{2}-\d{2}T[\d-]+Z$/, ''),
    checks: z.array(Check).parse(JSON.parse(read(file))),
    client: existsSync(join(folder, dirname(file), 'stderr.txt'))
      ? { stdout: read(join(dirname(file), 'stdout.txt')), stderr: read(join(dirname(file), 'stderr.txt')) }
      : null,
  }))
}
