import { spawn } from 'node:child_process'
import type { ChildProcess, ChildProcessByStdio } from 'node:child_process'
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import type { Readable, Writable } from 'node:stream'

import { GatewayError } from '#contract/errors.ts'

export type ChildCommand = {
  command: string
  args: readonly string[]
  /** The whole environment of the child; its PATH is where the command is looked up. */
  env: Readonly<Record<string, string>>
  cwd: string | undefined
}

export type RunningChild = ChildProcessByStdio<Writable, Readable, Readable> & { readonly pid: number }

/**
 * Starts a program without a shell, as the leader of a process group (and session) of its own.
 * @throws `upstream_unreachable`; `details.reason` is one of our words: `command_not_found`, `command_not_executable`,
 *   `cwd_not_found`, `arguments_too_long`, `out_of_resources`, `spawn_failed`
 */
export async function startChild(options: ChildCommand): Promise<RunningChild> {
  try {
    const child = spawn(options.command, options.args, {
      env: options.env,
      cwd: options.cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      shell: false,
    })
    if (isRunning(child)) return child
    return await new Promise<never>((_, reject) => void child.once('error', reject))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    const reason = await findReason(code, options.cwd)
    // Not the error itself: it carries the arguments, and people put keys there.
    throw new GatewayError('upstream_unreachable', { details: { reason }, cause: new Error(`spawn failed: ${code}`) })
  }
}

/** A child that could not be started has no id, and may lack its streams. */
function isRunning(child: ChildProcess): child is RunningChild {
  return child.pid !== undefined && child.stdin !== null && child.stdout !== null && child.stderr !== null
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'command_not_found',
  ENOTDIR: 'command_not_found',
  EACCES: 'command_not_executable',
  EPERM: 'command_not_executable',
  ENOEXEC: 'command_not_executable',
  E2BIG: 'arguments_too_long',
  EAGAIN: 'out_of_resources',
  EMFILE: 'out_of_resources',
  ENFILE: 'out_of_resources',
  ENOMEM: 'out_of_resources',
}

/** The system reports a bad working directory with the same codes as a bad command. */
async function findReason(code: string, cwd: string | undefined): Promise<string> {
  const reason = reasons[code] ?? 'spawn_failed'
  const isAboutPath = reason === 'command_not_found' || reason === 'command_not_executable'
  return isAboutPath && cwd !== undefined && !(await isUsableFolder(cwd)) ? 'cwd_not_found' : reason
}

async function isUsableFolder(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}
