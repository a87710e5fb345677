/** `toolgate session-shim`: from the first line of the harness to the last answer. */
import { createClientOutput } from '#cli/bridge/client-output.ts'
import { runBridge, type BridgeOptions, type BridgeParts } from '#cli/bridge/run-bridge.ts'
import type { AskAdapter } from './ask-adapter.ts'
import { ServerLink } from './server-link.ts'
import { SessionTools } from './session-tools.ts'
import { createSessionWire } from './session-wire.ts'

export type ShimOptions = BridgeParts &
  Pick<BridgeOptions, 'input' | 'output' | 'tell' | 'until'> & { ask: AskAdapter; version: string }

type End = 'eof' | 'stopped' | 'line_too_long'

const messageBytesMax = 33_554_432
/** Requests that wait for their answers. More lines are not read meanwhile. */
const runningMax = 1_000

/** One server of one session, passed through as it is. */
export function runSessionShim(options: ShimOptions, place: { session: string; server: string }): Promise<End> {
  const { ask, openWire } = options
  return runBridge({
    ...options,
    url: '',
    token: null,
    openWire: () => createSessionWire({ ask: () => ask(place), openWire }),
  })
}

/** All sessions of one harness: each call names its own. */
export async function runHarnessShim(options: ShimOptions): Promise<End> {
  const { ask, openWire, createEventReader, tell, input, until, version } = options
  await using resources = new AsyncDisposableStack()
  const openLink = (place: { session: string; server: string }): ServerLink => {
    const wire = createSessionWire({ ask: () => ask(place), openWire })
    return new ServerLink({ wire, createEventReader, messageBytesMax, tell })
  }
  const served = new SessionTools({ ask, openLink, output: createClientOutput(options.output), version })
  resources.defer(() => served.close())
  resources.defer(() => void input.destroy())
  const stopped = new Promise<End>((resolve) => {
    options.output.once('error', () => resolve('stopped'))
    void until.then(() => resolve('stopped'))
  })
  return await Promise.race([serveLines(served, options), stopped])
}

async function serveLines(served: SessionTools, { input, createLineReader }: ShimOptions): Promise<End> {
  const running = new Set<Promise<void>>()
  const lines: string[] = []
  let isTooLong = false
  const onOverflow = (): void => void (isTooLong = true)
  const reader = createLineReader({ lineBytesMax: messageBytesMax, onLine: (line) => lines.push(line), onOverflow })
  const takeAll = async (): Promise<void> => {
    for (const line of lines.splice(0)) {
      if (running.size >= runningMax) await Promise.race(running)
      const taken = served.take(line).finally(() => running.delete(taken))
      running.add(taken)
    }
  }
  try {
    for await (const chunk of input) {
      if (Buffer.isBuffer(chunk)) reader.push(chunk)
      await takeAll()
      if (isTooLong) return 'line_too_long'
    }
  } catch {
    // However the input ends, it has ended.
  }
  reader.end()
  await takeAll()
  await Promise.all(running)
  return 'eof'
}
