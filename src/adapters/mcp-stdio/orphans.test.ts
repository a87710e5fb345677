// What remains when the gateway dies. A zombie counts as dead here: reaping an orphan is the business of process 1.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'

const support = resolve(import.meta.dirname, '../../../test/support/stdio')
const vanishTimeoutMs = 2000

type Family = { gateway: ChildProcess; gone: Promise<unknown>; child: number; grandchild: number }

const pids = new Set<number>()

afterEach(() => {
  for (const pid of pids) {
    if (isRunning(pid)) process.kill(pid, 'SIGKILL')
  }
  pids.clear()
})

async function startFamily(how: string): Promise<Family> {
  const gateway = spawn(process.execPath, [`${support}/gateway.mjs`, how], { stdio: ['ignore', 'pipe', 'ignore'] })
  const gone = once(gateway, 'exit')
  const [line]: unknown[] = await once(createInterface(gateway.stdout), 'line')
  const { child, grandchild } = JSON.parse(String(line))
  for (const pid of [gateway.pid ?? 0, child, grandchild]) pids.add(pid)
  return { gateway, gone, child, grandchild }
}

function statOf(pid: number): { state: string; parent: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state = '', parent = ''] = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { state, parent: Number(parent) }
  } catch {
    return null
  }
}

function isRunning(pid: number): boolean {
  const stat = statOf(pid)
  return stat !== null && stat.state !== 'Z'
}

async function waitUntilGone(family: Family): Promise<boolean> {
  const deadline = performance.now() + vanishTimeoutMs
  while (isRunning(family.child) || isRunning(family.grandchild)) {
    if (performance.now() > deadline) return false
    await sleep(20)
  }
  return true
}

function findWatchdogOf(gateway: ChildProcess): number | undefined {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => statOf(pid)?.parent === gateway.pid && commandLineOf(pid).includes('toolgate-watchdog'))
}

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

describe('a child that ignores the end of its input and SIGTERM, and its own child', () => {
  it.each(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGSEGV'] as const)(
    'die with a gateway that dies of %s',
    async (signal) => {
      const family = await startFamily('wait')
      expect([isRunning(family.child), isRunning(family.grandchild)]).toEqual([true, true])
      family.gateway.kill(signal)
      await family.gone
      expect(await waitUntilGone(family)).toBe(true)
    },
  )

  it.each(['exit', 'throw'])('die with a gateway that ends by %s', async (how) => {
    const family = await startFamily(how)
    await family.gone
    expect(await waitUntilGone(family)).toBe(true)
  })

  it('die with a killed gateway although the grandchild has left the process group', async () => {
    const family = await startFamily('detach')
    family.gateway.kill('SIGKILL')
    await family.gone
    expect(await waitUntilGone(family)).toBe(true)
  })

  it('die when the gateway is killed before it could tell the watchdog of them', async () => {
    const family = await startFamily('untold')
    await family.gone
    expect(await waitUntilGone(family)).toBe(true)
  })

  it('die with the gateway although the watchdog was killed before: another one took its place', async () => {
    const family = await startFamily('wait')
    const first = findWatchdogOf(family.gateway)
    process.kill(first ?? 0, 'SIGKILL')
    const isReplaced = (): boolean => ![undefined, first].includes(findWatchdogOf(family.gateway))
    await expect.poll(isReplaced, { timeout: vanishTimeoutMs }).toBe(true)
    family.gateway.kill('SIGKILL')
    await family.gone
    expect(await waitUntilGone(family)).toBe(true)
  })

  it('leave no watchdog behind', async () => {
    const family = await startFamily('wait')
    const watchdog = findWatchdogOf(family.gateway)
    expect(watchdog).toBeDefined()
    family.gateway.kill('SIGKILL')
    await family.gone
    await expect.poll(() => isRunning(watchdog ?? 0), { timeout: vanishTimeoutMs }).toBe(false)
  })
})
