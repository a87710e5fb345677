/** The processes of a run: each on its core where the machine allows it, and none of them outlives the run. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { listDescendants } from './cpu.ts'

/** What is measured runs on a core of its own; upstream and load generator share the other. */
export type Core = 'candidate' | 'load'

export type BenchProcess = AsyncDisposable & {
  pid: number
  child: ChildProcess
  /** The newest part of what it wrote to stdout and stderr. */
  output(): string
  hasEnded(): boolean
}

const coreNumbers: Record<Core, string> = { candidate: '0', load: '1' }
const outputCharsMax = 10_000
const stopMsMax = 3000
const pollMs = 10

export const isPinned = Object.values(coreNumbers).every(
  (core) => spawnSync('taskset', ['-c', core, 'true']).status === 0,
)

/** A run that is interrupted takes its processes and files along: what is to be done then hangs on `exit`. */
export function exitOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
}

/** A command that runs on a core of its own, where the machine allows it. */
export const pinCommand = (core: Core, command: readonly string[]): string[] =>
  isPinned ? ['taskset', '-c', coreNumbers[core], ...command] : [...command]

type StartNodeOptions = { core: Core; hasChannel?: boolean; env?: Readonly<Record<string, string>> }

/** Starts a script under this very node. `args` begin with the script, or with node's own flags. `env` adds to the own one. */
export function startNode(args: readonly string[], options: StartNodeOptions): BenchProcess {
  const [program = '', ...rest] = pinCommand(options.core, [process.execPath, ...args])
  const child = spawn(program, rest, {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', ...(options.hasChannel ? ['ipc' as const] : [])],
  })
  const { pid } = child
  if (pid === undefined) throw new Error(`cannot start ${program}`)
  let output = ''
  const note = (text: Buffer): void => {
    output = (output + text.toString()).slice(-outputCharsMax)
  }
  child.stdout?.on('data', note)
  child.stderr?.on('data', note)
  const killAtExit = (): void => void child.kill('SIGKILL')
  process.once('exit', killAtExit)
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null
  return {
    pid,
    child,
    output: () => output,
    hasEnded,
    async [Symbol.asyncDispose]() {
      process.off('exit', killAtExit)
      await stop(child, pid)
    },
  }
}

/** Asks politely, then kills; children that a candidate forgets are killed too. */
async function stop(child: ChildProcess, pid: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const descendants = listDescendants(pid)
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await Promise.race([ended, sleep(stopMsMax, undefined, { ref: false })])
  child.kill('SIGKILL')
  await ended
  for (const descendant of descendants) kill(descendant)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself, as it should.
  }
}

/** Waits for the `{"port":N}` that the bench's own scripts print. */
export async function readPort(started: BenchProcess): Promise<number> {
  const match = await poll(started, async () => /\{"port":(\d+)\}/.exec(started.output()))
  return Number(match[1])
}

/** Waits until `attempt` gives something; fails with the process's words when it ends or takes longer than `msMax`. */
export async function poll<Value>(
  started: BenchProcess,
  attempt: () => Promise<Value | null>,
  msMax = 10_000,
): Promise<Value> {
  const endMs = performance.now() + msMax
  while (performance.now() < endMs && !started.hasEnded()) {
    const value = await attempt()
    if (value !== null) return value
    await sleep(pollMs)
  }
  throw new Error(
    `${started.hasEnded() ? 'it ended' : `not ready in ${msMax} ms`}: ${started.output().trim().slice(-400)}`,
  )
}

/** A port that was free a moment ago, for programs that cannot choose and tell. */
export async function findFreePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise<void>((resolve) => server.close(() => resolve()))
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}

/** A script of this folder as a path. */
export const scriptPath = (name: string): string => new URL(name, import.meta.url).pathname
