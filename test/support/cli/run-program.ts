/** Toolgate as a person starts it: a process, its words, its end. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { until } from '../until.ts'

export const sourceMain = new URL('../../../src/main.ts', import.meta.url).pathname

export type Exit = { code: number | null; signal: NodeJS.Signals | null }

export type Program = AsyncDisposable & {
  child: ChildProcessWithoutNullStreams
  pid: number
  stdout: () => string
  stderr: () => string
  exited: Promise<Exit>
  /** Resolves with the address when it serves. */
  untilUp: () => Promise<string>
}

export type ProgramOptions = { cwd: string; main?: string; env?: Record<string, string> }

/** Killed at the end of the test, if it still runs. Sees no configuration of the person who runs the tests. */
export function startProgram(args: readonly string[], { cwd, main = sourceMain, env = {} }: ProgramOptions): Program {
  const own = { PATH: process.env['PATH'] ?? '', HOME: cwd, ...env }
  const child = spawn(process.execPath, [main, ...args], { cwd, env: own, stdio: 'pipe' })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => (output[name] += text))
  }
  const exited = new Promise<Exit>((resolve) => child.once('close', (code, signal) => resolve({ code, signal })))
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null
  const address = (): string | undefined => /Toolgate is up at (\S+)\/mcp/.exec(output.stdout)?.[1]
  return {
    child,
    pid: child.pid ?? 0,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    exited,
    async untilUp() {
      // The last line of the banner, so that all of it is there.
      await until('it serves', () => hasEnded() || output.stdout.includes('clientCapabilities'), { timeoutMs: 15_000 })
      const up = address()
      if (up === undefined) throw new Error(`it does not serve\n${output.stdout}\n${output.stderr}`)
      return up
    },
    async [Symbol.asyncDispose]() {
      if (!hasEnded()) child.kill('SIGKILL')
      await exited
    },
  }
}

/** The one token that a banner shows as such. */
export function tokenIn(banner: string): string {
  const token = /^ {2}Token {3}(tg_\S+)$/m.exec(banner)?.[1]
  if (token === undefined) throw new Error(`no token in\n${banner}`)
  return token
}

/** The command that a banner says makes a first call. */
export function callIn(banner: string): string {
  return banner.slice(banner.indexOf('curl -s ')).trim()
}
