/** The stdio transport towards a server: a child process that speaks JSON, one message a line. */
import { GatewayError } from '#contract/errors.ts'
import type { ChannelWire } from '#core/upstream/channel-wire.ts'

import { ChildChannel } from './child-channel.ts'
import { buildChildEnvironment } from './child-environment.ts'
import { createDiagnosis } from './diagnosis.ts'
import { startChild } from './start-child.ts'
import { watchdog } from './watchdog.ts'

const stderrBytesMaxDefault = 16 * 1024
const stopGraceMsDefault = 2000

export type StdioWireOptions = {
  command: string
  args: readonly string[]
  /** Added to the few variables that every child gets (`child-environment.ts` lists them). */
  env: Readonly<Record<string, string>>
  cwd?: string
  /** Longest line that a child may send. */
  messageBytesMax: number
  /** How much of the last standard error is kept, over all children of this wire. */
  stderrBytesMax?: number
  /** On close, the time between the end of input and SIGTERM, and between that and SIGKILL. */
  stopGraceMs?: number
}

/**
 * Each `open` starts one child in a process group of its own. `signal` matters until then only.
 * Rejects with `upstream_unreachable` (`details.reason`: see `startChild`, or `watchdog_unavailable`), or with
 * `upstream_timeout` when `signal` has been aborted.
 */
export function createStdioWire(options: StdioWireOptions): ChannelWire {
  const { stderrBytesMax = stderrBytesMaxDefault, stopGraceMs = stopGraceMsDefault } = options
  const diagnosis = createDiagnosis({ bytesMax: stderrBytesMax, env: options.env })

  return {
    async open({ events, signal }) {
      if (signal.aborted) throw new GatewayError('upstream_timeout', { cause: signal.reason })
      const guard = watchdog.guard()
      try {
        const env = buildChildEnvironment({ ...options.env, [watchdog.mark.name]: watchdog.mark.value })
        const child = await startChild({ command: options.command, args: options.args, env, cwd: options.cwd })
        guard.cover(child.pid)
        const { messageBytesMax } = options
        return new ChildChannel({ child, guard, events, diagnosis, messageBytesMax, stopGraceMs })
      } catch (error) {
        await guard.release()
        throw error
      }
    },
    diagnosis: () => diagnosis.readText(),
  }
}
