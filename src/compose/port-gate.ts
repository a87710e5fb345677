/** Knows whether something listens on a port of this machine that a child of ours is to open. */
import { connect } from 'node:net'

const pollMs = 20

export class PortGate {
  readonly #port: number
  readonly #waitMsMax: number
  #opening: PromiseWithResolvers<void> | null = Promise.withResolvers()
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(port: number, waitMsMax: number) {
    this.#port = port
    this.#waitMsMax = waitMsMax
  }

  /** The child was started: look until it listens. */
  watch(): void {
    this.#isClosed = false
    this.#look()
  }

  /** The child has ended; what comes now waits for the next one. */
  shut(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#opening ??= Promise.withResolvers()
  }

  /** Null where it listens already. Rejects when it takes too long. */
  untilOpen(): Promise<void> | null {
    const opening = this.#opening
    if (opening === null) return null
    const late = Promise.withResolvers<void>()
    const timer = setTimeout(() => late.reject(new Error('the server does not listen')), this.#waitMsMax).unref()
    return Promise.race([opening.promise, late.promise]).finally(() => clearTimeout(timer))
  }

  #look(): void {
    const socket = connect({ port: this.#port, host: '127.0.0.1' })
    socket.unref()
    socket.once('connect', () => {
      socket.destroy()
      if (this.#isClosed) return
      this.#opening?.resolve()
      this.#opening = null
    })
    socket.once('error', () => {
      if (!this.#isClosed) this.#timer = setTimeout(() => this.#look(), pollMs).unref()
    })
  }
}
