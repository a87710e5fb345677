/** No child outlives the gateway, not even after `kill -9`: one small process watches over all of them. */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Socket } from 'node:net'

import { GatewayError } from '#contract/errors.ts'

import { buildChildEnvironment } from './child-environment.ts'
import { watchdogScript } from './watchdog-script.ts'

export type Guard = {
  /** From now on the group dies with the gateway. */
  cover(group: number): void
  /** The group is gone (its id may soon be another's). Resolves when the watchdog has left too, if this was the last guard. */
  release(): Promise<void>
}

type Watchdog = {
  /** One variable that every child must have in its environment: it shows that the child is ours. */
  readonly mark: { readonly name: string; readonly value: string }
  /**
   * To be called before the child is started. Starts the watchdog if it does not run.
   * @throws `upstream_unreachable` with reason `watchdog_unavailable`: without it a child would be able to stay behind
   */
  guard(): Guard
}

/** A lost watchdog is replaced after this pause, so that a broken `/bin/sh` is not started in a hot loop. */
const restartDelayMs = 100

type Sentry = { tell(line: string): void; dismiss(): Promise<void> }

function createWatchdog(): Watchdog {
  const mark = { name: 'TOOLGATE_GUARD', value: randomUUID() }
  const guards = new Set<{ group: number | null }>()
  let sentry: Sentry | null = null

  function start(): Sentry | null {
    sentry = startSentry(`${mark.name}=${mark.value}`, restartLater)
    for (const { group } of guards) {
      if (group !== null) sentry?.tell(`+ ${group}`)
    }
    return sentry
  }

  function restartLater(): void {
    sentry = null
    setTimeout(() => {
      if (sentry === null && guards.size > 0 && start() === null) restartLater()
    }, restartDelayMs).unref()
  }

  async function release(entry: { group: number | null }): Promise<void> {
    if (!guards.delete(entry)) return
    if (entry.group !== null) sentry?.tell(`- ${entry.group}`)
    if (guards.size > 0) return
    const last = sentry
    sentry = null
    await last?.dismiss()
  }

  return {
    mark,
    guard() {
      if (sentry === null && start() === null) {
        throw new GatewayError('upstream_unreachable', { details: { reason: 'watchdog_unavailable' } })
      }
      const entry: { group: number | null } = { group: null }
      guards.add(entry)
      return {
        cover(group) {
          entry.group = group
          sentry?.tell(`+ ${group}`)
        },
        release: () => release(entry),
      }
    },
  }
}

/** The watchdog of this gateway process. */
export const watchdog = createWatchdog()

/**
 * One running watchdog, in a session of its own (Ctrl-C must not reach it) and without the mark of the children.
 * @param onLost it ended without being dismissed
 */
function startSentry(mark: string, onLost: () => void): Sentry | null {
  const child = spawnScript(mark)
  if (child?.pid === undefined) return null
  const { stdin } = child
  stdin.on('error', () => {})
  // Watching must not keep a finished gateway alive.
  child.unref()
  if (stdin instanceof Socket) stdin.unref()
  child.once('exit', onLost)

  return {
    tell: (line) => void stdin.write(`${line}\n`),
    async dismiss() {
      child.off('exit', onLost)
      if (child.exitCode !== null || child.signalCode !== null) return
      child.ref()
      stdin.end('.\n')
      await once(child, 'exit')
    },
  }
}

/** Some failures are thrown, others are an event and a child without an id. */
function spawnScript(mark: string) {
  try {
    const child = spawn('/bin/sh', ['-c', watchdogScript, 'toolgate-watchdog', mark], {
      env: buildChildEnvironment({}),
      cwd: '/',
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    })
    return child.on('error', () => {})
  } catch {
    return null
  }
}
