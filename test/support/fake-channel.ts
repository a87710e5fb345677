/** A channel to a server that a test plays by hand, or by a script. */
import { GatewayError } from '#contract/errors.ts'
import { isRequest, isJsonObject, type JsonObject, type RpcRequest } from '#core/protocol/json-rpc.ts'
import type { Channel, ChannelEnd, ChannelEvents, ChannelWire } from '#core/upstream/channel-wire.ts'

/** Gets each message that the gateway sends. */
export type ChannelScript = (message: JsonObject, channel: FakeChannel) => void

export class FakeChannel implements Channel {
  readonly sent: JsonObject[] = []
  isClosed = false
  readonly #events: ChannelEvents
  readonly #script: ChannelScript

  constructor(events: ChannelEvents, script: ChannelScript) {
    this.#events = events
    this.#script = script
  }

  async send(text: string): Promise<void> {
    if (this.isClosed) throw new GatewayError('upstream_closed')
    const message: unknown = JSON.parse(text)
    if (!isJsonObject(message)) throw new Error('the gateway sent what is no message')
    this.sent.push(message)
    // A server never answers in the same turn.
    queueMicrotask(() => this.#script(message, this))
  }

  async close(): Promise<void> {
    this.end({ kind: 'closed', text: 'closed' })
  }

  /** The server says something. */
  say(message: unknown): void {
    this.#events.message(message)
  }

  answer(to: JsonObject | undefined, result: JsonObject): void {
    this.say({ jsonrpc: '2.0', id: to?.['id'], result })
  }

  /** The server ends, or is ended. */
  end(end: ChannelEnd = { kind: 'lost', text: 'lost' }): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#events.closed(end)
  }

  /** The last message of this method that the gateway sent. */
  last(method: string): JsonObject | undefined {
    return this.sent.findLast((message) => message['method'] === method)
  }

  count(method: string): number {
    return this.sent.filter((message) => message['method'] === method).length
  }
}

export class FakeChannelWire implements ChannelWire {
  readonly channels: FakeChannel[] = []
  /** Set: opening is refused with it. */
  refusal: GatewayError | undefined
  /** Set: opening waits for it. */
  gate: Promise<void> | undefined
  script: ChannelScript

  constructor(script: ChannelScript = () => undefined) {
    this.script = script
  }

  get channel(): FakeChannel {
    const channel = this.channels.at(-1)
    if (!channel) throw new Error('no channel was opened')
    return channel
  }

  async open({ events, signal }: Parameters<ChannelWire['open']>[0]): Promise<Channel> {
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(toError(signal.reason)))
    })
    if (this.gate) await Promise.race([this.gate, aborted])
    if (this.refusal) throw this.refusal
    const channel = new FakeChannel(events, (message, self) => this.script(message, self))
    this.channels.push(channel)
    return channel
  }

  diagnosis(): string {
    return 'the last words'
  }
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('aborted')
}

type Answers = Readonly<Record<string, (params: JsonObject, request: RpcRequest) => JsonObject | undefined>>

/** A legacy server: it answers `initialize`, and what `answers` answers; undefined leaves a request open. */
export function legacyScript(capabilities: JsonObject, answers: Answers = {}): ChannelScript {
  return serverScript({
    initialize: (params) => ({
      protocolVersion: params['protocolVersion'],
      capabilities,
      serverInfo: { name: 'fake', version: '1' },
    }),
    ping: () => ({}),
    ...answers,
  })
}

/** A modern server. */
export function modernScript(capabilities: JsonObject, answers: Answers = {}): ChannelScript {
  return serverScript({
    'server/discover': () => ({
      resultType: 'complete',
      supportedVersions: ['2026-07-28'],
      capabilities,
      ttlMs: 0,
      cacheScope: 'private',
    }),
    'subscriptions/listen': () => undefined,
    ...answers,
  })
}

export function serverScript(answers: Answers): ChannelScript {
  return (message, channel) => {
    if (!isRequest(message)) return
    const answer = answers[message.method]
    if (!answer) {
      channel.say({ jsonrpc: '2.0', id: message.id, error: { code: -32601, message: 'Method not found' } })
      return
    }
    const result = answer(message.params ?? {}, message)
    if (result) channel.answer(message, result)
  }
}
