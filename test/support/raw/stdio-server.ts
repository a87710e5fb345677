import { existsSync, readFileSync } from 'node:fs'
import { askModern, listOf, type Address, type Received } from './client.ts'

export const toldServer = (release = '/nowhere') => ({
  command: process.execPath,
  args: [`${import.meta.dirname}/stdio-server.mjs`],
  env: { RELEASE: release },
})

export const callTold = (to: Address, name: string): Promise<Received> =>
  askModern(to, { method: 'tools/call', params: { name, arguments: {} } })

/** The process id that a tool told. @throws with the answer where it did not */
export async function pidFrom(to: Address, name: 'pid' | 'grandchild'): Promise<number> {
  const [part] = listOf<{ text: string }>(await callTold(to, name), 'content')
  return Number(part?.text)
}

/** A process that is dead and waits for process 1 to take note is not alive (proc_pid_stat(5): state Z). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return !stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' && !existsSync('/proc/self')
  }
}
