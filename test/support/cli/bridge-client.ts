/** A client of the bridge that says and hears exactly what a test wants: lines in, lines out, no process. */
import { PassThrough } from 'node:stream'
import { createEventReader } from '#adapters/mcp-http/event-reader.ts'
import { createHttpWire } from '#adapters/mcp-http/http-wire.ts'
import { createLineReader } from '#adapters/mcp-stdio/line-reader.ts'
import { runBridge } from '#cli/bridge/run-bridge.ts'
import { openEgress } from '../egress.ts'
import { until } from '../until.ts'

export type Message = Record<string, unknown>

export type BridgeClient = AsyncDisposable & {
  /** Everything the bridge has written, in order. */
  heard: Message[]
  /** The same, as it was written. */
  lines: string[]
  /** What it told the person. */
  told: string[]
  say(message: Message | Message[] | string): void
  /** The next message that fits and has not been taken. */
  next(fits?: (message: Message) => boolean): Promise<Message>
  answerTo(id: unknown): Promise<Message>
  /** Closes the bridge's input. */
  end(): void
  /** Stops reading what the bridge writes, or starts again. */
  pause(): void
  /** What waits for the client to read, in bytes. */
  backlogBytes(): number
  resume(): void
  ended: Promise<string>
  stop(): void
}

export function startBridge(
  url: string,
  options: { token?: string | null; messageBytesMax?: number } = {},
): BridgeClient {
  const [input, output] = [new PassThrough(), new PassThrough()]
  const [heard, waiting]: [Message[], Message[]] = [[], []]
  const [lines, told]: [string[], string[]] = [[], []]
  let held = ''
  output.setEncoding('utf8').on('data', (chunk: string) => {
    const written = (held + chunk).split('\n')
    held = written.pop() ?? ''
    for (const line of written) {
      lines.push(line)
      const message = JSON.parse(line) as Message
      heard.push(message)
      waiting.push(message)
    }
  })
  const stopping = Promise.withResolvers<void>()
  const { token = 'tg_of_the_test', messageBytesMax = 1_000_000 } = options
  const ended = runBridge({
    url,
    token,
    input,
    output,
    messageBytesMax,
    until: stopping.promise,
    tell: (line) => told.push(line),
    openWire: (address) =>
      createHttpWire({ url: address, connectionsMax: 100, connectTimeoutMs: 2_000, egress: openEgress }),
    createEventReader,
    createLineReader,
  })
  const next: BridgeClient['next'] = async (fits = () => true) => {
    await until('the bridge writes such a message', () => waiting.some(fits))
    const [message] = waiting.splice(waiting.findIndex(fits), 1)
    return message ?? {}
  }
  return {
    heard,
    lines,
    told,
    say: (message) => void input.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`),
    next,
    answerTo: (id) => next((message) => message['id'] === id && !('method' in message)),
    end: () => void input.end(),
    pause: () => void output.pause(),
    backlogBytes: () => output.writableLength + output.readableLength,
    resume: () => void output.resume(),
    ended,
    stop: () => stopping.resolve(),
    async [Symbol.asyncDispose]() {
      stopping.resolve()
      await ended
    },
  }
}

export const request = (id: unknown, method: string, params: Message = {}): Message => ({
  jsonrpc: '2.0',
  id,
  method,
  params,
})
export const note = (method: string, params: Message = {}): Message => ({ jsonrpc: '2.0', method, params })

export const envelope = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}
export const modern = (id: unknown, method: string, params: Message = {}): Message =>
  request(id, method, { ...params, _meta: { ...envelope, ...(params['_meta'] as Message | undefined) } })

/** Opens a legacy session as a client does. */
export async function initialize(client: BridgeClient, capabilities: Message = {}): Promise<Message> {
  const clientInfo = { name: 'bridge-test', version: '1.0.0' }
  client.say(request('init', 'initialize', { protocolVersion: '2025-11-25', capabilities, clientInfo }))
  const answer = await client.answerTo('init')
  client.say(note('notifications/initialized'))
  return answer
}
