/**
 * The question: how long does a gateway take to load 100,000 tokens and 10,000 policies, and how much memory do they take?
 *
 * `node bench/load-resources.ts` fills an SQLite file and a PostgreSQL, and loads each from a process of its own, into the
 * snapshot that calls are decided from. Targets: 3 s, 300 MB.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { chunksOf } from '#adapters/sql/chunks.ts'
import { type Database, openDatabase } from '#adapters/sql/database.ts'
import { openPostgres } from '#adapters/sql/postgres.ts'
import { toRefRows, toResourceRow } from '#adapters/sql/resource-row.ts'
import { createSqlResourceStore } from '#adapters/sql/resource-store.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { ResourceSnapshot } from '#core/resources/snapshot.ts'
import { resource } from '#test/support/resources.ts'
import { startPostgresServer } from '#test/support/postgres/server.ts'

const counts = { token: 100_000, policy: 10_000, user: 2_000, team: 200 }
const rulesOfEachPolicy = 10
const roundCount = 5

type Figures = {
  loadMs: number
  snapshotMs: number
  /** The longest time in which nothing else got its turn. */
  blockedMs: number
  heapMb: number
  residentMb: number
  peakMb: number
}

async function compare(): Promise<void> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'toolgate-load-'))
  const file = join(folder.path, 'toolgate.db')
  await fill(await openDatabase({ path: file }))
  await report('SQLite', file)
  const server = await startPostgresServer({})
  try {
    const url = await server.createDatabase()
    await fill(await openPostgres({ url }))
    await report('PostgreSQL', url)
  } finally {
    await server.stop()
  }
}

async function report(name: string, place: string): Promise<void> {
  for (let round = 1; round <= roundCount; round++) {
    const program = ['--expose-gc', fileURLToPath(import.meta.url), place]
    const { stdout } = await promisify(execFile)(process.execPath, program)
    console.log(name.padEnd(12), stdout.trim())
  }
}

/** As a gateway does when it starts. */
async function measure(place: string): Promise<void> {
  // See bin/young-space.js.
  setFlagsFromString('--semi-space-growth-factor=1')
  const database = await (place.startsWith('postgres:') ? openPostgres({ url: place }) : openDatabase({ path: place }))
  const store = createSqlResourceStore({ database })
  const snapshot = new ResourceSnapshot()
  await store.lastChange()
  collectGarbage()
  const before = process.memoryUsage()
  const watch = watchTurns()
  const startedAt = performance.now()
  const changes = await store.load()
  const loadedAt = performance.now()
  snapshot.apply({ ...changes, isWhole: true })
  const appliedAt = performance.now()
  const blockedMs = watch()
  const peak = process.resourceUsage().maxRSS / 1024
  const loadedCount = changes.changed.length
  await new Promise(setImmediate)
  collectGarbage()
  const after = process.memoryUsage()
  const figures: Figures = {
    loadMs: loadedAt - startedAt,
    snapshotMs: appliedAt - loadedAt,
    blockedMs,
    heapMb: toMb(after.heapUsed - before.heapUsed),
    residentMb: toMb(after.rss - before.rss),
    peakMb: peak,
  }
  const rounded = Object.entries(figures).map(([key, value]) => `${key} ${value.toFixed(0)}`)
  console.log(`${loadedCount} resources, ${snapshot.all('policy').length} policies: ${rounded.join(', ')}`)
  await database.close()
}

function watchTurns(): () => number {
  let longest = 0
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
  }, 1)
  return () => {
    clearInterval(timer)
    return Math.max(longest, performance.now() - last)
  }
}

function toMb(bytes: number): number {
  return bytes / 1024 / 1024
}

function collectGarbage(): void {
  globalThis.gc?.()
}

/** Rows as the store writes them, but many in one statement. */
async function fill(database: Database): Promise<void> {
  const resources = [...createResources()]
  await database.queries.transaction().execute(async (transaction) => {
    for (const rows of chunksOf(resources.map(toResourceRow), 11))
      await transaction.insertInto('resource').values(rows).execute()
    for (const rows of chunksOf(resources.flatMap(toRefRows), 4))
      await transaction.insertInto('resource_ref').values(rows).execute()
    await transaction
      .updateTable('resource_counter')
      .set({ last: resources.length, forgotten: resources.length })
      .execute()
  })
  await database.close()
}

function* createResources(): Iterable<Resource> {
  const each = (count: number) => Array.from({ length: count }, (_, index) => index)
  for (const index of each(counts.policy)) {
    const rules = each(rulesOfEachPolicy).map((rule) => ({
      server: `server-${(index + rule) % 300}`,
      tool: rule % 2 ? '*' : `tool_${rule}_*`,
      level: rule % 5 ? 'execute' : 'deny',
    }))
    yield resource('policy', `policy-${index}`, { description: `What team ${index} may call.`, rules })
  }
  for (const index of each(counts.user))
    yield resource('user', `user-${index}`, { email: `user-${index}@example.com`, policies: [`pol_policy-${index}`] })
  for (const index of each(counts.team)) {
    const members = each(50).map((member) => ({ user: `usr_user-${(index * 10 + member) % counts.user}` }))
    yield resource('team', `team-${index}`, { members, policies: [`pol_policy-${index}`] })
  }
  for (const index of each(counts.token)) {
    const spec = {
      description: `The key of job ${index}.`,
      owner:
        index % 4
          ? { kind: 'user', ref: `usr_user-${index % counts.user}` }
          : { kind: 'team', ref: `team_team-${index % counts.team}` },
      policies: [`pol_policy-${index % counts.policy}`],
      endpoints: ['/mcp'],
      limits: { callsPerMinuteMax: 600 },
      digest: createHash('sha256').update(`token ${index}`).digest('hex'),
      prefix: `tg_${index.toString(36).padStart(6, '0')}`,
    }
    yield { ...resource('token', `job-${index}`, spec), labels: index % 10 ? {} : { env: 'prod' } }
  }
}

const [place] = process.argv.slice(2)
await (place === undefined ? compare() : measure(place))
