/** `toolgate bridge`: from the first line of the client to the last answer. */
import type { Readable, Writable } from 'node:stream'
import type { CreateEventReader } from '#core/upstream/event-reader.ts'
import type { HttpWire } from '#core/upstream/http-wire.ts'
import { Bridge } from './bridge.ts'
import { createClientOutput } from './client-output.ts'

/** Cuts bytes into lines; `onOverflow` is called once, and nothing after it. */
export type CreateLineReader = (options: {
  lineBytesMax: number
  onLine: (line: string) => void
  onOverflow: () => void
}) => { push(chunk: Buffer): void; end(): void }

/** What main.ts hands in. */
export type BridgeParts = {
  openWire: (url: string) => HttpWire
  createEventReader: CreateEventReader
  createLineReader: CreateLineReader
}

export type BridgeOptions = BridgeParts & {
  url: string
  token: string | null
  input: Readable
  output: Writable
  tell: (line: string) => void
  /** Resolves when the bridge shall end at once. */
  until: Promise<void>
  messageBytesMax?: number
}

const messageBytesMaxDefault = 33_554_432

/** @returns why it ended. `eof`: the client closed its end, and all that was asked has been answered */
export async function runBridge(options: BridgeOptions): Promise<'eof' | 'stopped' | 'line_too_long'> {
  const { createEventReader, token, tell, messageBytesMax = messageBytesMaxDefault } = options
  await using resources = new AsyncDisposableStack()
  const wire = options.openWire(options.url)
  resources.defer(() => wire.close())
  const output = createClientOutput(options.output)
  const headers = token === null ? [] : ['authorization', `Bearer ${token}`]
  const bridge = new Bridge({ wire, createEventReader, output, headers, messageBytesMax, tell })
  resources.defer(() => bridge.close())
  resources.defer(() => void options.input.destroy())
  return await Promise.race([relayAll(bridge, options, messageBytesMax), untilStopped(options)])
}

/** A client that does not read any more is a client that is gone. */
function untilStopped({ until, output }: BridgeOptions): Promise<'stopped'> {
  return new Promise((resolve) => {
    output.once('error', () => resolve('stopped'))
    void until.then(() => resolve('stopped'))
  })
}

async function relayAll(
  bridge: Bridge,
  { input, createLineReader }: BridgeOptions,
  lineBytesMax: number,
): Promise<'eof' | 'line_too_long'> {
  const lines: string[] = []
  let isTooLong = false
  const onOverflow = (): void => void (isTooLong = true)
  const reader = createLineReader({ lineBytesMax, onLine: (line) => lines.push(line), onOverflow })
  for await (const chunk of untilLost(input)) {
    reader.push(chunk)
    for (const line of lines.splice(0)) await bridge.take(line)
    if (isTooLong) return 'line_too_long'
  }
  reader.end()
  for (const line of lines) await bridge.take(line)
  await bridge.settle()
  return 'eof'
}

/** However the input ends, it has ended. */
async function* untilLost(input: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of input) if (Buffer.isBuffer(chunk)) yield chunk
  } catch {
    // The client's process died, or the bridge was stopped.
  }
}
