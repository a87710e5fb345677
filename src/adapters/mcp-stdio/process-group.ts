/** Signals to, and questions about, a whole process group. A child that leads its own group has its id. */
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

const pollMsMin = 5
const pollMsMax = 80

/** A group that is gone already is fine: that is what the signal was for. */
export function signalGroup(group: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  kill(group, signal)
}

/**
 * Waits until no process of the group is left. Orphans that are dead but not reaped do not count: they wait for
 * process 1, which in a container may take its time, or be no init at all.
 * @returns false when that takes longer than `timeoutMs`
 */
export async function waitUntilGroupIsGone(group: number, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  for (let pollMs = pollMsMin; await isGroupAlive(group); pollMs = Math.min(2 * pollMs, pollMsMax)) {
    const leftMs = deadline - performance.now()
    if (leftMs <= 0) return false
    await sleep(Math.min(pollMs, leftMs))
  }
  return true
}

async function isGroupAlive(group: number): Promise<boolean> {
  if (!kill(group, 0)) return false
  // The leader first: while it lives, which is nearly always, the others need not be looked at.
  const leader = await readProcess(String(group))
  if (leader?.isAlive === true) return true
  const names = await readdir('/proc').catch(() => null)
  // Without /proc there is only the first answer.
  if (names === null) return true
  for (const name of names) {
    const member = /^\d+$/.test(name) ? await readProcess(name) : null
    if (member?.group === group && member.isAlive) return true
  }
  // A leader that is dead but not reaped is ours to reap, so it counts: its end has not been told yet.
  return leader !== null
}

/** proc_pid_stat(5): `pid (name) state parent group …`, and the name may contain anything. */
async function readProcess(pid: string): Promise<{ isAlive: boolean; group: number } | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const [state, , group] = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return state === undefined || group === undefined ? null : { isAlive: !'ZX'.includes(state), group: Number(group) }
}

/** True when the group exists. */
function kill(group: number, signal: NodeJS.Signals | 0): boolean {
  // kill(-1) is every process of this user, kill(0) our own group: neither can be meant.
  if (!Number.isSafeInteger(group) || group <= 1) throw new RangeError('not a process group')
  try {
    return process.kill(-group, signal)
  } catch (error) {
    // EPERM: it exists, but has changed its user and is out of our reach.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
