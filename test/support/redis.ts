/** A real Redis of a test's own: on a free port, keeping nothing, gone when the test's process is. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { connect } from 'node:net'
import { describe } from 'vitest'
import { findFreePort } from './free-port.ts'
import { until } from './until.ts'

export type TestRedis = AsyncDisposable & {
  url: string
  /** A prefix that nobody else has. */
  nextPrefix(): string
  /** Ends it at once; nothing of what it knew is left. */
  kill(): Promise<void>
  /** Starts it again at the same address, empty. */
  start(): Promise<void>
  /** It stays there, and answers nothing. */
  stall(): void
  resume(): void
  /** Has it answer one command. @throws for an answer that is an error */
  ask(command: string): Promise<string>
}

const isThere = spawnSync('redis-server', ['--version']).status === 0
const isRequired = process.env['CI'] !== undefined
const advice = 'redis-server is not installed (Debian: apt-get install redis-server)'
if (!isThere && !isRequired) process.stderr.write(`tests against a real Redis are skipped: ${advice}\n`)

/** `describe` for tests that need a real Redis. Where there is none they are skipped, and it is said; in CI they fail. */
// oxlint-disable-next-line vitest/valid-title, vitest/valid-describe-callback -- `runIf` gives a `describe`, and describes nothing yet
export const describeWithRedis = describe.runIf(isThere || isRequired)

/**
 * The shell ends the server when the test's process lets go of its standard input, however that process ends. It starts no other program of
 * its own but `cat`, so nothing outlives it.
 */
const keeper = 'redis-server "$@" >&2 & pid=$!; echo $pid; cat >/dev/null; kill -9 $pid; wait'

/** @param isWatched for gateways: what they write is searched for planted secrets, at the price of being written twice */
export async function startRedis({ isWatched = false } = {}): Promise<TestRedis> {
  if (!isThere) throw new Error(advice)
  const port = await findFreePort()
  const start = async (): Promise<Running> => {
    const running = await launch(port)
    if (isWatched) watchCommands(port)
    return running
  }
  let running = await start()
  let prefixes = 0
  return {
    url: `redis://127.0.0.1:${port}`,
    nextPrefix: () => `test${process.pid}-${++prefixes}:`,
    kill: () => running.kill(),
    async start() {
      running = await start()
    },
    stall: () => process.kill(running.pid, 'SIGSTOP'),
    resume: () => process.kill(running.pid, 'SIGCONT'),
    ask: (command) => askOnce(port, command),
    [Symbol.asyncDispose]: () => running.kill(),
  }
}

type Running = { pid: number; kill(): Promise<void> }

async function launch(port: number): Promise<Running> {
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const shell = spawn('sh', ['-c', keeper, 'redis', ...options], { stdio: ['pipe', 'pipe', 'ignore'], cwd: '/' })
  const exited = new Promise<void>((resolve) => shell.once('exit', () => resolve()))
  const pid = await readPid(shell)
  await until('Redis answers', async () => (await askOnce(port, 'PING').catch(() => '')) === 'PONG', {
    timeoutMs: 15_000,
  })
  return {
    pid,
    async kill() {
      shell.stdin?.end()
      await exited
    },
  }
}

/** Who reads all that it is told reads it for who looks for planted secrets: see `planted/connections.ts`. */
function watchCommands(port: number): void {
  const socket = connect(port, '127.0.0.1', () => socket.write('MONITOR\r\n'))
  socket
    .on('error', () => undefined)
    .unref()
    .resume()
}

function readPid(shell: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    shell.once('error', reject)
    shell.stdout?.once('data', (line: Buffer) => resolve(Number(line.toString())))
  })
}

/** One command in Redis's inline form, and the first line of its answer. */
function askOnce(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${command}\r\n`))
    socket.setTimeout(2_000, () => socket.destroy(new Error('Redis does not answer')))
    socket.once('error', reject)
    socket.once('data', (data) => {
      socket.destroy()
      const [line = ''] = data.toString().split('\r\n')
      if (line.startsWith('-')) reject(new Error(line))
      else resolve(line.replace(/^[+:]/, ''))
    })
  })
}
