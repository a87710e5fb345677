/** Toolgate as its users run it: `node src/main.ts serve --config …`, a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { stringify } from 'yaml'
import { withPlants } from './planted/definitions.ts'

export type GatewayConfig = Record<string, unknown>
export type Exit = { code: number | null; signal: NodeJS.Signals | null }

const mainFile = new URL('../../src/main.ts', import.meta.url).pathname
const startMsMax = 15_000
const stopMsMax = 15_000
const pollMs = 20

export type GatewayProcess = AsyncDisposable & {
  /** Without a path: `http://127.0.0.1:{port}`. */
  url: string
  pid: number
  /** Holds the configuration and the data; removed at the end. */
  folder: string
  configPath: string
  databasePath: string
  /** All that it has written to stderr: its log. */
  log(): string
  untilLogged(text: string, timeoutMs?: number): Promise<void>
  /** Replaces the configuration in one step, as an editor does. A text is written as it is. */
  writeConfig(config: GatewayConfig | string): Promise<void>
  signal(name: NodeJS.Signals): void
  exited: Promise<Exit>
  /** Ends it with SIGTERM. @throws unless it exits with 0 in time */
  stop(): Promise<void>
}

/** @param config without `listen` and `storage`, which are the test's own: a free port, a folder that is removed. */
export async function startGateway(
  config: GatewayConfig,
  options: { env?: Record<string, string> } = {},
): Promise<GatewayProcess> {
  await using starting = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'toolgate-e2e-'))
  starting.defer(() => rm(folder, { recursive: true, force: true }))
  const configPath = join(folder, 'toolgate.yaml')
  const writeConfig = async (next: GatewayConfig | string): Promise<void> => {
    const text = typeof next === 'string' ? next : stringify(withOwnPlace(next, folder))
    await writeFile(`${configPath}.new`, text)
    await rename(`${configPath}.new`, configPath)
  }
  await writeConfig(config)
  const run = starting.use(runMain(configPath, { cwd: folder, env: options.env ?? {} }))
  const url = await untilServing(run)
  const started = starting.move()
  return {
    url,
    pid: run.pid,
    folder,
    configPath,
    databasePath: join(folder, 'data', 'toolgate.db'),
    log: run.stderr,
    untilLogged: (text, timeoutMs = 5_000) => untilLogged(run, text, timeoutMs),
    writeConfig,
    signal: run.signal,
    exited: run.exited,
    stop: run.stop,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

/** Port 0: the gateway takes a free port and says which, so no two tests can want the same one. */
function withOwnPlace(config: GatewayConfig, folder: string): GatewayConfig {
  return { listen: { port: 0 }, storage: { path: join(folder, 'data') }, ...withPlants(config) }
}

type Run = AsyncDisposable & {
  pid: number
  stdout: () => string
  stderr: () => string
  hasEnded: () => boolean
  signal: (name: NodeJS.Signals) => void
  exited: Promise<Exit>
  stop: () => Promise<void>
}

function runMain(configPath: string, place: { cwd: string; env: Record<string, string> }): Run {
  const child = spawn(process.execPath, [mainFile, 'serve', '--config', configPath], {
    cwd: place.cwd,
    env: { ...process.env, ...place.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => (output[name] += text))
  }
  const killAtExit = (): void => void child.kill('SIGKILL')
  process.once('exit', killAtExit)
  const exited = untilExit(child).finally(() => process.off('exit', killAtExit))
  let isKilled = false
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null
  const stop = async (): Promise<void> => {
    if (!hasEnded()) child.kill('SIGTERM')
    const exit = await Promise.race([exited, delay(stopMsMax, null, { ref: false })])
    if (exit === null) child.kill('SIGKILL')
    if (exit?.code !== 0) throw new Error(`the gateway ended with ${JSON.stringify(exit)}\n${output.stderr}`)
  }
  return {
    pid: child.pid ?? 0,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    hasEnded,
    signal: (name) => {
      isKilled ||= name === 'SIGKILL'
      child.kill(name)
    },
    exited,
    stop,
    // A test that killed it on purpose has nothing to complain of.
    [Symbol.asyncDispose]: async () => void (await (isKilled ? exited : stop())),
  }
}

function untilExit(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
}

/** The address comes from what it prints; its health answer is the event. */
async function untilServing(run: Run): Promise<string> {
  const until = Date.now() + startMsMax
  while (Date.now() < until && !run.hasEnded()) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(run.stdout())?.[0]
    const response = url === undefined ? null : await fetch(`${url}/health/live`).catch(() => null)
    await response?.body?.cancel()
    if (url !== undefined && response?.ok) return url
    await delay(pollMs)
  }
  run.signal('SIGKILL')
  throw new Error(`the gateway does not serve\n${run.stdout()}\n${run.stderr()}`)
}

async function untilLogged(run: Run, text: string, timeoutMs: number): Promise<void> {
  const until = Date.now() + timeoutMs
  while (!run.stderr().includes(text)) {
    if (Date.now() > until) throw new Error(`the gateway did not log ${JSON.stringify(text)}\n${run.stderr()}`)
    await delay(pollMs)
  }
}
