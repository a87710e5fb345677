/** Toolgate as its own process, with a token, a policy and audit on: what people run. */
import { randomBytes } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { findFreePort, poll, startNode, type BenchProcess } from './processes.ts'

export type ServerEntry = { url: string } | { command: string; args: string[] }
export type Toolgate = AsyncDisposable & { process: BenchProcess; pid: number; origin: string; token: string }

/** `TOOLGATE_MAIN` names the entry of another checkout or of a release, to set beside this one. */
const mainFile = process.env['TOOLGATE_MAIN'] ?? new URL('../bin/toolgate.js', import.meta.url).pathname

export type StartOptions = {
  /** Flags for node itself. */
  nodeArgs?: readonly string[]
  /** On top of the bench's own. */
  env?: Readonly<Record<string, string>>
}

/** Starts the gateway without waiting for it. */
export async function startToolgate(
  servers: Record<string, ServerEntry>,
  { nodeArgs = [], env = {} }: StartOptions = {},
): Promise<Toolgate> {
  if (!existsSync(mainFile)) throw new Error(`${mainFile} is not there`)
  await using starting = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'toolgate-bench-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  starting.defer(() => {
    process.off('exit', remove)
    remove()
  })
  const port = await findFreePort()
  const token = `tg_${randomBytes(32).toString('base64url')}`
  const config = {
    listen: { port },
    storage: { path: join(folder, 'data') },
    servers,
    policies: { all: { default: 'execute' } },
    tokens: [{ name: 'bench', secret: token, policies: ['all'] }],
  }
  const configFile = join(folder, 'toolgate.yaml')
  await writeFile(configFile, stringify(config), { mode: 0o600 })
  const started = starting.use(
    startNode([...nodeArgs, mainFile, 'serve', '--config', configFile], { core: 'candidate', env }),
  )
  const resources = starting.move()
  return {
    process: started,
    pid: started.pid,
    origin: `http://127.0.0.1:${port}`,
    token,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

/** Waits until the gateway's port answers at all. */
export async function untilListening(started: BenchProcess, origin: string): Promise<void> {
  await poll(started, async () => {
    const response = await fetch(`${origin}/health/live`).catch(() => null)
    await response?.body?.cancel()
    return response
  })
}
