/** One request of a modern client (2026-07-28, streamable-http): a POST of its own, and closing it is how it is cancelled. */
import { isNotification, isResponse, type RpcError, type RpcRequest } from '#core/protocol/json-rpc.ts'
import { describeError, errorText, refusedWith, unreachable } from './bridge-failure.ts'
import type { BridgePorts } from './bridge-ports.ts'
import { startExchange, type Exchange, type ExchangeEnd } from './gateway-exchange.ts'
import { modernHeaders, relistTools } from './modern-post.ts'
import type { ToolHeaders } from './tool-headers.ts'

/** Longest silence; the gateway says something every 15 s or so while a call runs. */
const silenceMs = 600_000
const headerMismatch = -32020

export type ModernRequestOptions = {
  ports: BridgePorts
  tools: ToolHeaders
  text: string
  message: RpcRequest
  /** The revision that the request claims. */
  revision: string
  done: () => void
}

export class ModernRequest {
  readonly #options: ModernRequestOptions
  #exchange: Exchange | null = null
  #isDone = false
  #isRetried = false

  constructor(options: ModernRequestOptions) {
    this.#options = options
  }

  get isListening(): boolean {
    return this.#options.message.method === 'subscriptions/listen'
  }

  start(): void {
    const { ports, tools, text, message, revision } = this.#options
    const isFirst = !this.#isRetried
    const headers = [...modernHeaders(ports, message, revision), ...tools.headersFor(message)]
    this.#exchange = startExchange(
      ports,
      { method: 'POST', headers, body: text, silenceMsMax: silenceMs },
      {
        message: (answer, response) => this.#onMessage(answer, response),
        // The first try is over as soon as there is a second one.
        ended: (end) => {
          if (!this.#isDone && isFirst === !this.#isRetried) this.#onEnd(end)
        },
      },
    )
  }

  #onMessage(text: string, message: unknown): void {
    const { ports, tools } = this.#options
    if (this.#isDone) return
    if (isResponse(message)) {
      if ('error' in message && this.#mayRetry(message.error)) return this.#retry()
      if (message.id === null && 'error' in message) return this.#fail(message.error)
      ports.output.write(this.#options.message.method === 'tools/list' ? tools.learn(text, message) : text)
      return this.#finish()
    }
    if (isNotification(message)) ports.output.write(text)
    else ports.tell('The gateway sent something that this revision of MCP does not have.')
  }

  #onEnd(end: ExchangeEnd): void {
    switch (end.kind) {
      case 'complete':
        return this.#fail(unreachable('its answer holds no response'))
      case 'refused':
        if (end.error && this.#mayRetry(end.error)) return this.#retry()
        return this.#fail(end.error ?? refusedWith(end.status))
      case 'cut':
      case 'failed':
        return this.#fail(unreachable(end.reason))
    }
  }

  drop(): void {
    if (this.#isDone) return
    this.#exchange?.abort()
    this.#finish()
  }

  /** A tool whose arguments are mirrored in headers can have changed, or was never listed by this client. */
  #mayRetry({ code }: RpcError): boolean {
    return code === headerMismatch && this.#options.message.method === 'tools/call' && !this.#isRetried
  }

  #retry(): void {
    this.#isRetried = true
    void relistTools(this.#options).then(() => {
      if (!this.#isDone) this.start()
    })
  }

  #fail(error: RpcError): void {
    const { ports, message } = this.#options
    ports.tell(describeError(error))
    ports.output.write(errorText(message.id, error))
    this.#finish()
  }

  #finish(): void {
    this.#isDone = true
    this.#options.done()
  }
}
