import { spawn } from 'node:child_process'
import { env } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'

export type Child = AsyncDisposable & {
  /** The exit code; `null` when a signal ended the process. Rejects when the program cannot be started. */
  exited: Promise<number | null>
  /** The newest part of what it wrote to stdout and stderr. */
  output(): string
}

type ChildOptions = {
  /** A leader takes its whole process group along when it is disposed of, grandchildren included. */
  isGroupLeader: boolean
  cwd?: string
  /** On top of this process's own. */
  env?: Record<string, string>
}

const outputCharsMax = 20_000
const graceMs = 5_000

/** Starts a program that cannot outlive this process: it is stopped by disposal, or killed when this process exits. */
export function startChild([program, ...args]: [string, ...string[]], options: ChildOptions): Child {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: options.isGroupLeader,
    ...(options.cwd && { cwd: options.cwd }),
    ...(options.env && { env: { ...env, ...options.env } }),
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      output = (output + text).slice(-outputCharsMax)
    })
  }

  const signal = (name: NodeJS.Signals): void => {
    if (child.pid === undefined) return
    if (options.isGroupLeader) signalGroup(child.pid, name)
    else child.kill(name)
  }
  const killAtExit = (): void => signal('SIGKILL')
  process.once('exit', killAtExit)

  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  // Whoever awaits `exited` gets the failure; here it must only not be unhandled.
  const ended = exited.catch(() => null)

  return {
    exited,
    output: () => output,
    async [Symbol.asyncDispose]() {
      signal('SIGTERM')
      const timer = new AbortController()
      await Promise.race([ended, delay(graceMs, undefined, { signal: timer.signal }).catch(() => null)])
      timer.abort()
      signal('SIGKILL')
      await ended
      process.off('exit', killAtExit)
    },
  }
}

function signalGroup(leaderPid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-leaderPid, name)
  } catch {
    // ESRCH: the whole group has ended already.
  }
}
