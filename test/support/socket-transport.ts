/** A WebSocket as the SDK's clients take it. Their own cannot send a header in Node, so it could not log in. */
import type { Transport } from '@modelcontextprotocol/client'
import { WebSocket } from 'ws'

type Callback<Name extends 'onmessage' | 'onclose' | 'onerror'> = NonNullable<Transport[Name]>

export class SocketTransport {
  onmessage?: Callback<'onmessage'>
  onclose?: Callback<'onclose'>
  onerror?: Callback<'onerror'>
  readonly #socket: WebSocket

  constructor(url: string, token: string) {
    this.#socket = new WebSocket(url.replace(/^http/, 'ws'), 'mcp', {
      headers: { authorization: `Bearer ${token}` },
      // The SDK loses a notification that comes in the same turn as the answer after it.
      allowSynchronousEvents: false,
    })
  }

  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.once('open', resolve)
      this.#socket.once('error', reject)
      this.#socket.on('error', (error) => this.onerror?.(error))
      this.#socket.on('close', () => this.onclose?.())
      this.#socket.on('message', (data: Buffer) => this.onmessage?.(JSON.parse(data.toString())))
    })
  }

  send(message: object): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(JSON.stringify(message), (error) => (error ? reject(error) : resolve()))
    })
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.readyState === WebSocket.CLOSED) return resolve()
      this.#socket.once('close', () => resolve())
      this.#socket.close()
    })
  }
}
