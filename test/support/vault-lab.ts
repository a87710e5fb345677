/** Gateways whose vault is looked at from outside: through the command line, and in the database. */
import { DatabaseSync } from 'node:sqlite'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { startProgram, type Exit, type Program } from './cli/run-program.ts'
import { callApi, passwordIn, signIn, type Api } from './management.ts'

export type VaultLab = AsyncDisposable & {
  folder: string
  databasePath: string
  /** Replaces the configuration. */
  configure(config: Record<string, unknown>): Promise<void>
  start(env?: Record<string, string>): Program
  /** `toolgate vault …`, to its end. */
  vault(
    command: 'status' | 'rotate' | 'forget',
    env?: Record<string, string>,
    flags?: readonly string[],
  ): Promise<Exit & { stdout: string; stderr: string }>
}

const limits = { managementRequestsPerMinuteMax: 1_000_000 }

/** A folder with a configuration; nothing runs in it yet. */
export async function openVaultLab(config: Record<string, unknown> = {}): Promise<VaultLab> {
  const folder = await mkdtemp(join(tmpdir(), 'toolgate-vault-'))
  const running = new AsyncDisposableStack()
  running.defer(() => rm(folder, { recursive: true, force: true }))
  const configure = (given: Record<string, unknown>): Promise<void> =>
    writeFile(join(folder, 'toolgate.yaml'), stringify({ listen: { port: 0 }, servers: {}, limits, ...given }))
  await configure(config)
  return {
    folder,
    databasePath: join(folder, '.toolgate', 'toolgate.db'),
    configure,
    start: (env = {}) => running.use(startProgram(['serve'], { cwd: folder, env })),
    async vault(command, env = {}, flags = []) {
      await using program = startProgram(['vault', command, ...flags], { cwd: folder, env })
      const exit = await program.exited
      return { ...exit, stdout: program.stdout(), stderr: program.stderr() }
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

type Admin = { password: string; bearer: string; at: (program: Program) => Promise<Api> }

/** The management API as the first admin, whose password the first of these banners shows. */
export async function adminOf(first: Program): Promise<Admin> {
  const url = await first.untilUp()
  const password = passwordIn(first.stdout())
  const bearer = await signIn(url, 'admin', password)
  return {
    password,
    bearer,
    async at(program) {
      const own = await program.untilUp()
      return (method, path, options = {}) => callApi(own, { method, path, bearer, ...options })
    },
  }
}

export const canary = 'sk-canary-vault-93b7'

export function serverBody(name: string, url = 'http://127.0.0.1:9/mcp', labels: string[] = []): object {
  return { name, transport: { kind: 'streamable_http', url, credential: { kind: 'bearer', token: canary } }, labels }
}

export async function storeServers(api: Api, names: readonly string[], url?: string): Promise<void> {
  for (const name of names) {
    const { status, body } = await api('POST', '/servers', { body: serverBody(name, url) })
    if (status !== 201) throw new Error(`storing ${name} answered ${status} ${JSON.stringify(body)}`)
  }
}

/** How many resources are under each key, as it stands in the file at this moment. */
export function sealedIn(databasePath: string): Record<string, number> {
  const database = new DatabaseSync(databasePath, { readOnly: true, timeout: 5_000 })
  try {
    const query = `select coalesce(sealed_by, '') as key, count(*) as count from resource where kind = 'server' group by 1`
    const rows = database.prepare(query).all() as { key: string; count: number }[]
    return Object.fromEntries(rows.map(({ key, count }) => [key, count]))
  } finally {
    database.close()
  }
}
