/** A child that serves on a port of its own instead of its standard streams: kept running, and gone with the gateway. */
import { toGatewayError } from '#contract/errors.ts'

import { buildChildEnvironment } from './child-environment.ts'
import { createDiagnosis } from './diagnosis.ts'
import { signalGroup, waitUntilGroupIsGone } from './process-group.ts'
import { startChild } from './start-child.ts'
import type { RunningChild } from './start-child.ts'
import { watchdog } from './watchdog.ts'

export type SupervisedChildOptions = {
  command: string
  args: readonly string[]
  /** Added to the few variables that every child gets. */
  env: Readonly<Record<string, string>>
  /** It was started, for the first time or again; it may need a moment to serve. */
  onStart: () => void
  /** It has ended, or could not be started, and will be started again after `restartMs`. `reason` is in our words. */
  onEnd: (end: { reason: string; restartMs: number; stderr: string }) => void
  restartMsMin?: number
  restartMsMax?: number
  stopGraceMs?: number
}

export interface SupervisedChild {
  /** Ends the child and all it started; resolves when nothing is left. Never rejects. */
  close(): Promise<void>
}

const restartMsMinDefault = 250
const restartMsMaxDefault = 30_000
const stopGraceMsDefault = 2000
const killedWithinMs = 2000
/** A child that ran this long did not fail to start: the next pause is short again. */
const settledMs = 10_000
const stderrBytesMax = 16 * 1024

export function superviseChild(options: SupervisedChildOptions): SupervisedChild {
  const child = new Supervised(options)
  child.start()
  return child
}

class Supervised implements SupervisedChild {
  readonly #options: SupervisedChildOptions
  readonly #diagnosis
  #isClosed = false
  #failures = 0
  #running: Promise<void> = Promise.resolve()
  #child: RunningChild | null = null
  #timer: NodeJS.Timeout | undefined

  constructor(options: SupervisedChildOptions) {
    this.#options = options
    this.#diagnosis = createDiagnosis({ bytesMax: stderrBytesMax, env: options.env })
  }

  start(): void {
    this.#running = this.#run()
  }

  async #run(): Promise<void> {
    const startedAt = performance.now()
    const reason = await this.#runOnce().catch((error: unknown) => String(toGatewayError(error).details['reason']))
    if (this.#isClosed) return
    this.#failures = performance.now() - startedAt > settledMs ? 1 : this.#failures + 1
    const { restartMsMin = restartMsMinDefault, restartMsMax = restartMsMaxDefault } = this.#options
    const restartMs = Math.min(restartMsMin * 2 ** (this.#failures - 1), restartMsMax)
    this.#timer = setTimeout(() => this.start(), restartMs).unref()
    this.#options.onEnd({ reason, restartMs, stderr: this.#diagnosis.readText() })
  }

  /** Resolves when the child and all it started have ended, with how it ended. */
  async #runOnce(): Promise<string> {
    const { command, args, env } = this.#options
    const guard = watchdog.guard()
    try {
      const marked = { ...env, [watchdog.mark.name]: watchdog.mark.value }
      const child = await startChild({ command, args, env: buildChildEnvironment(marked), cwd: undefined })
      guard.cover(child.pid)
      this.#child = child
      this.#listen(child)
      const exited = new Promise((resolve) => void child.once('exit', resolve))
      if (this.#isClosed) void this.#end(child)
      else this.#options.onStart()
      await exited
      this.#child = null
      // Its leader is gone, and nobody is left whom the rest of the group could serve.
      signalGroup(child.pid, 'SIGKILL')
      await waitUntilGroupIsGone(child.pid, killedWithinMs)
      return child.signalCode === null ? `exit code ${child.exitCode ?? 'unknown'}` : child.signalCode
    } finally {
      await guard.release()
    }
  }

  #listen(child: RunningChild): void {
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', () => {})
    child.on('error', () => {})
    // It is not spoken to, and what it prints is no message.
    child.stdin.end()
    child.stdout.resume()
    child.stderr.on('data', (bytes: Buffer) => this.#diagnosis.write(bytes))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    const child = this.#child
    if (child !== null) await this.#end(child)
    await this.#running
  }

  async #end(child: RunningChild): Promise<void> {
    const { stopGraceMs = stopGraceMsDefault } = this.#options
    signalGroup(child.pid, 'SIGTERM')
    if (!(await waitUntilGroupIsGone(child.pid, stopGraceMs)) && this.#child === child)
      signalGroup(child.pid, 'SIGKILL')
  }
}
