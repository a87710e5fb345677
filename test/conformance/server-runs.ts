/** The four quadrants, and the two in which the upstream speaks both eras: the suite is the client. */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import { heedExitCode, type ConformanceRun, type RunOptions } from './conformance-run.ts'
import { startFixture, type Era } from './fixture-server.ts'
import { startGateway } from './gateway.ts'
import { judge, type Judgement } from './judge.ts'
import { listServerScenarios, runServerSuite, type Revision } from './suite.ts'
import { startTokenShim } from './token-shim.ts'

type Quadrant = { name: string; revision: Revision; upstream: Era; baselineFile?: string }

const Baseline = z.strictObject({ server: z.array(z.string()) })
const modernToLegacy = new URL('./baseline-modern-to-legacy.yml', import.meta.url).pathname

export const serverRuns: readonly ConformanceRun[] = [
  toRun({ name: 'legacy-legacy', revision: '2025-11-25', upstream: 'legacy' }),
  toRun({ name: 'modern-modern', revision: '2026-07-28', upstream: 'modern' }),
  toRun({ name: 'legacy-modern', revision: '2025-11-25', upstream: 'modern' }),
  toRun({ name: 'modern-legacy', revision: '2026-07-28', upstream: 'legacy', baselineFile: modernToLegacy }),
  toRun({ name: 'legacy-dual', revision: '2025-11-25', upstream: 'dual' }),
  toRun({ name: 'modern-dual', revision: '2026-07-28', upstream: 'dual' }),
]

function toRun(quadrant: Quadrant): ConformanceRun {
  const { name, revision, upstream, baselineFile } = quadrant
  const scenarios = listServerScenarios(revision)
  const baseline = baselineFile ? Baseline.parse(parse(readFileSync(baselineFile, 'utf8'))).server : []
  return {
    name,
    title: `client ${revision} → server ${upstream}`,
    scenarios,
    baseline,
    ...(baselineFile && { baselineReason: 'no gateway can pass them in front of a server of that age' }),
    canBeDirect: upstream === 'dual' || upstream === eraOf(revision),
    start: async (options) => startQuadrant(quadrant, { ...options, scenarios, baseline }),
  }
}

function eraOf(revision: Revision): Era {
  return revision === '2026-07-28' ? 'modern' : 'legacy'
}

async function startQuadrant(
  quadrant: Quadrant,
  options: RunOptions & { scenarios: string[]; baseline: string[] },
): Promise<Judgement> {
  await using resources = new AsyncDisposableStack()
  const fixture = resources.use(await startFixture({ era: quadrant.upstream }))
  const url = options.isDirect ? fixture.url : await standBetween(fixture.url, resources)
  const { revision, baselineFile } = quadrant
  const suite = await runServerSuite({ url, revision, folder: options.folder, ...(baselineFile && { baselineFile }) })
  return heedExitCode(judge(options.scenarios, suite.scenarios, options.baseline), quadrant.name, suite)
}

/** Gateway and shim in front of an upstream; returns the address that the suite is pointed at. */
export async function standBetween(upstreamUrl: string, resources: AsyncDisposableStack): Promise<string> {
  const gateway = resources.use(await startGateway({ upstreamUrl, isGroupLeader: true }))
  const { origin, pathname } = new URL(gateway.url)
  const shim = resources.use(await startTokenShim({ target: origin, token: gateway.token }))
  return `${shim.url}${pathname}`
}
