import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { superviseChild } from './supervised-child.ts'
import type { SupervisedChild, SupervisedChildOptions } from './supervised-child.ts'

let folder: string
let supervised: SupervisedChild[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'toolgate-supervised-'))
  supervised = []
})

afterEach(async () => {
  await Promise.all(supervised.map((child) => child.close()))
  rmSync(folder, { recursive: true, force: true })
})

type End = Parameters<SupervisedChildOptions['onEnd']>[0]

function supervise(script: string, options: Partial<SupervisedChildOptions> = {}) {
  const starts: number[] = []
  const ends: End[] = []
  const child = superviseChild({
    command: 'sh',
    args: ['-c', script],
    env: { PIDS: join(folder, 'pids') },
    onStart: () => starts.push(Date.now()),
    onEnd: (end) => ends.push(end),
    restartMsMin: 10,
    restartMsMax: 40,
    stopGraceMs: 200,
    ...options,
  })
  supervised.push(child)
  return { child, starts, ends }
}

function isRunning(pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return !'ZX'.includes(text.slice(text.lastIndexOf(')') + 2).charAt(0))
  } catch {
    return false
  }
}

const pidsTold = (): number[] => {
  const path = join(folder, 'pids')
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').map(Number) : []
}

describe('superviseChild', () => {
  it('starts a child that ended again, after a pause that doubles up to its limit', async () => {
    const { starts, ends } = supervise('echo "cannot go on" >&2; exit 3')
    await vi.waitFor(() => expect(ends.length).toBeGreaterThanOrEqual(4))
    expect(ends.slice(0, 4).map(({ restartMs }) => restartMs)).toEqual([10, 20, 40, 40])
    expect(ends[0]).toMatchObject({ reason: 'exit code 3', stderr: 'cannot go on\n' })
    expect(starts.length).toBeGreaterThanOrEqual(4)
  })

  it('says why a child cannot be started, and keeps trying', async () => {
    const { starts, ends } = supervise('', { command: join(folder, 'none'), args: [] })
    await vi.waitFor(() => expect(ends.length).toBeGreaterThanOrEqual(2))
    expect(ends[0]).toMatchObject({ reason: 'command_not_found' })
    expect(starts).toEqual([])
  })

  it('ends a child that ignores SIGTERM, and what it started, within its grace', async () => {
    const { child, ends } = supervise(`trap '' TERM; sleep 60 & echo $$ >> "$PIDS"; echo $! >> "$PIDS"; wait; sleep 60`)
    await vi.waitFor(() => expect(pidsTold()).toHaveLength(2))
    expect(pidsTold().map(isRunning)).toEqual([true, true])
    await child.close()
    expect(pidsTold().map(isRunning)).toEqual([false, false])
    expect(ends).toEqual([])
  })

  it('starts nothing after it was closed while a child was on its way', async () => {
    const { child, starts } = supervise('sleep 60')
    await child.close()
    expect(starts).toEqual([])
  })

  it('never shows the values of the environment that it was given', async () => {
    const { ends } = supervise('echo "key is $KEY" >&2; exit 1', { env: { KEY: 'a-secret-of-ours' } })
    await vi.waitFor(() => expect(ends.length).toBeGreaterThanOrEqual(1))
    expect(ends[0]?.stderr).toBe('key is [secret]\n')
  })

  it.each(['SIGKILL', 'SIGTERM'] as const)('dies with a gateway that dies of %s', async (signal) => {
    const pids = join(folder, 'pids')
    const gateway = spawn(
      process.execPath,
      [join(import.meta.dirname, '../../../test/support/stdio/supervisor.mjs'), pids],
      { stdio: 'ignore' },
    )
    const gone = new Promise((resolve) => gateway.once('exit', resolve))
    try {
      await vi.waitFor(() => expect(pidsTold()).toHaveLength(2), { timeout: 5_000 })
      expect(pidsTold().map(isRunning)).toEqual([true, true])
    } finally {
      gateway.kill(signal)
      await gone
    }
    await vi.waitFor(() => expect(pidsTold().map(isRunning)).toEqual([false, false]), { timeout: 3_000 })
  })
})
