/**
 * Compares Toolgate with a bare proxy, and with other bridges where they are installed, and holds the result against
 * the targets. See `README.md` beside this file.
 *
 *   npm run bench -- [--quick] [--rounds N] [--only TEXT] [--json FILE] [--write-docs] [--strict]
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { measureCalls } from './calls.ts'
import { cases, latencyBaseline, latencyReference, type Case } from './cases.ts'
import { openLab, reasonOf, type Pace } from './lab.ts'
import { measureLatency } from './latency.ts'
import { measureList } from './list.ts'
import { describeMachine } from './machine.ts'
import { exitOnSignals } from './processes.ts'
import { renderRun, type Run } from './report.ts'
import { measureStartup } from './startup.ts'
import { checkTargets, type Results } from './targets.ts'

const fullPace: Pace = { rounds: 4, turns: 5, turnSeconds: 0.3, warmSeconds: 2.5, lightRounds: 10, lightSeconds: 2 }
const quickPace: Pace = { rounds: 1, turns: 4, turnSeconds: 0.15, warmSeconds: 1.2, lightRounds: 5, lightSeconds: 0.7 }
const docsFile = new URL('../docs/reference/bench.md', import.meta.url).pathname
const parts = ['calls', 'latency', 'list', 'startup'] as const
type Part = (typeof parts)[number]

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    only: { type: 'string' },
    json: { type: 'string', default: 'out/bench.json' },
    'write-docs': { type: 'boolean', default: false },
    strict: { type: 'boolean', default: false },
  },
})

exitOnSignals()
const pace = { ...(flags.quick ? quickPace : fullPace) }
// Few cases warm their process less than many do, and a cold reference flatters whoever is divided by it.
if (flags.only !== undefined) pace.warmSeconds = 3 * fullPace.warmSeconds
if (flags.rounds !== undefined) pace.rounds = Math.max(1, Number(flags.rounds))
const run = await measureAll(chooseParts(flags.only), chooseCases(flags.only), pace)
const text = renderRun(run)
process.stdout.write(text)
await save(flags.json, `${JSON.stringify(run, null, 2)}\n`)
if (flags['write-docs'])
  await save(
    docsFile,
    `# Bench\n\nWritten by \`npm run bench -- --write-docs\`; \`bench/README.md\` says how to read it.\n\n${text}`,
  )
if (flags.strict && run.checks.some(({ isMet }) => isMet === false)) process.exitCode = 1

/** `--only` names a part, or a piece of the names of cases; then calls and latency run for those and their references. */
function chooseParts(only: string | undefined): readonly Part[] {
  if (only === undefined) return parts
  const named = parts.filter((part) => part === only)
  return named.length > 0 ? named : ['calls', 'latency']
}

function chooseCases(only: string | undefined): readonly Case[] {
  const offered = cases.filter(({ isSlow }) => !flags.quick || !isSlow)
  if (only === undefined || parts.some((part) => part === only)) return offered
  const chosen = offered.filter(({ name }) => name.toLowerCase().includes(only.toLowerCase()))
  const needed = new Set([
    latencyBaseline,
    latencyReference,
    ...chosen.flatMap(({ name, reference }) => [name, reference]),
  ])
  return offered.filter(({ name }) => needed.has(name))
}

async function measureAll(chosen: readonly Part[], wanted: readonly Case[], pace: Pace): Promise<Run> {
  const machine = describeMachine()
  const hasCases = chosen.includes('calls') || chosen.includes('latency')
  await using lab = await openLab(hasCases ? [...new Set(wanted.map(({ entrant }) => entrant))] : [])
  const missing: Run['missing'] = [...lab.absent]
  const results: Results = { calls: [], latency: [], list: null, startup: null }
  const present = wanted.filter(({ entrant }) => lab.entrants.has(entrant))
  if (chosen.includes('calls')) {
    const { figures, failures } = await measureCalls(lab, present, pace)
    results.calls = figures
    missing.push(...failures)
  }
  if (chosen.includes('latency')) results.latency = await measureLatency(lab, present.filter(isTimedNow), pace)
  if (chosen.includes('list')) results.list = await attempt('list', missing, () => measureList(lab, pace))
  if (chosen.includes('startup'))
    results.startup = await attempt('startup', missing, () => measureStartup(lab, pace.rounds))
  return { machine, pace, results, checks: checkTargets(results), missing }
}

/** A quick run has no time for the latency of others. */
function isTimedNow({ isTimed, isForeign }: Case): boolean {
  return isTimed === true && !(flags.quick && isForeign === true)
}

/** A part that cannot be measured says why and leaves the others alone. */
async function attempt<Figures>(
  name: Part,
  missing: Run['missing'],
  measure: () => Promise<Figures>,
): Promise<Figures | null> {
  try {
    return await measure()
  } catch (error) {
    missing.push({ name, reason: reasonOf(error) })
    return null
  }
}

async function save(file: string, content: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, content)
}
