import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'

import { watchdogScript } from './watchdog-script.ts'

const started: ChildProcess[] = []

afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
})

function start(command: string, args: readonly string[]) {
  const child = spawn(command, args, { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  started.push(child)
  return { child, group: child.pid ?? 0, exit: once(child, 'exit') }
}

const sigterm = 1 << 14
const allThree = sigterm | 0b11

/** The mask of proc_pid_status(5): bit 0 is SIGHUP, bit 1 is SIGINT. */
function ignoredSignals(pid: number): number {
  return Number.parseInt(/^SigIgn:\s+(\w+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0', 16)
}

const shells = ['/bin/sh', '/bin/bash', '/bin/busybox'].filter((path) => existsSync(path))

describe.each(shells)('the watchdog script in %s', (shell) => {
  const flags = shell.endsWith('busybox') ? ['sh', '-c'] : ['-c']
  // A mark that nobody has: what dies here dies because its group was told.
  const startWatchdog = () => start(shell, [...flags, watchdogScript, 'watchdog', 'NO_SUCH=mark-at-all'])

  it('ends the groups that it was told of and not those that were taken back', async () => {
    const [first, second, spared] = [start('sleep', ['60']), start('sleep', ['60']), start('sleep', ['60'])]
    const watchdog = startWatchdog()
    for (const { group } of [first, spared, second]) watchdog.child.stdin.write(`+ ${group}\n`)
    watchdog.child.stdin.end(`- ${spared.group}\n`)
    expect(await Promise.all([first.exit, second.exit])).toEqual([
      [null, 'SIGTERM'],
      [null, 'SIGTERM'],
    ])
    await watchdog.exit
    expect(spared.child.signalCode).toBe(null)
  })

  it('kills what ignores SIGTERM, and survives SIGTERM, SIGINT and SIGHUP itself', async () => {
    const stubborn = start('/bin/sh', ['-c', 'trap "" TERM; exec sleep 60'])
    const watchdog = startWatchdog()
    await expect.poll(() => ignoredSignals(stubborn.group) & sigterm).toBe(sigterm)
    await expect.poll(() => ignoredSignals(watchdog.group) & allThree).toBe(allThree)
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) watchdog.child.kill(signal)
    watchdog.child.stdin.end(`+ ${stubborn.group}\n`)
    expect(await stubborn.exit).toEqual([null, 'SIGKILL'])
    expect(await watchdog.exit).toEqual([0, null])
  })

  it('touches nothing when it is dismissed', async () => {
    const spared = start('sleep', ['60'])
    const watchdog = startWatchdog()
    watchdog.child.stdin.end(`+ ${spared.group}\n.\n`)
    expect(await watchdog.exit).toEqual([0, null])
    expect(spared.child.signalCode).toBe(null)
  })
})
