/** Commands to Redis. Whatever becomes of the server, each of them ends within a second. */
import { createHash } from 'node:crypto'
import { GatewayError } from '#contract/errors.ts'
import type { Clock } from '#core/clock.ts'
import { RedisConnection } from './redis-connection.ts'

export type RedisScript = { text: string; sha: string }

export function defineRedisScript(text: string): RedisScript {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

export type RedisTimes = {
  /** How long one command may take, in milliseconds. */
  commandMs: number
  /** How long the server may be silent, though it is asked all the time. */
  silenceMs: number
}

export type RedisLinkOptions = {
  url: string
  /** Before every key and topic: gateways that share nothing but a server have different ones. */
  prefix: string
  clock: Clock
  times?: RedisTimes
  /** The server went away, with what the client says of it; or came back: null. Told once for each change. */
  onChange?: (cause: { error: unknown } | null) => void
}

/** A script is sent a second time where the server does not know it, and all is to end within a second. */
const usualTimes: RedisTimes = { commandMs: 400, silenceMs: 900 }

/** The server is there, but may not do what it is asked for, and may not be the one to ask any more. */
const moved = /^(READONLY|MASTERDOWN)/

export class RedisLink implements AsyncDisposable {
  readonly prefix: string
  readonly #options: RedisLinkOptions
  readonly #times: RedisTimes
  readonly #connection: RedisConnection
  readonly #onUp = new Set<() => void>()
  #isAway = true
  #isAwayTold = false

  constructor(options: RedisLinkOptions) {
    this.#options = options
    this.prefix = options.prefix
    this.#times = options.times ?? usualTimes
    this.#connection = this.connect('toolgate', {
      onUp: () => this.#up(),
      onDown: (cause) => this.#down(cause),
    })
  }

  get isAway(): boolean {
    return this.#isAway || !this.#connection.isReady
  }

  /** Another connection to the same server. */
  connect(name: string, events: { onUp(): void; onDown(cause: unknown): void }): RedisConnection {
    const { silenceMs } = this.#times
    return new RedisConnection({ url: this.#options.url, name, silenceMs, ...events })
  }

  /** Runs `task` each time when the server is there again. @returns takes it away */
  onUp(task: () => void): () => void {
    this.#onUp.add(task)
    return () => this.#onUp.delete(task)
  }

  /** Resolves when the server is there, or after `timeoutMs`: whoever needs it finds out by himself. */
  untilUp(timeoutMs: number): Promise<void> {
    if (!this.isAway) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        cancel()
        forget()
        resolve()
      }
      const cancel = this.#options.clock.after(timeoutMs, done)
      const forget = this.onUp(done)
    })
  }

  /** @throws GatewayError `storage_unavailable` */
  async send(command: readonly string[]): Promise<unknown> {
    try {
      return await this.#send(command)
    } catch (error) {
      throw this.#toFailure(error)
    }
  }

  /** @throws GatewayError `storage_unavailable` */
  async run(
    script: RedisScript,
    { keys, args }: { keys: readonly string[]; args: readonly string[] },
  ): Promise<unknown> {
    const rest = [String(keys.length), ...keys.map((key) => this.prefix + key), ...args]
    try {
      return await this.#send(['EVALSHA', script.sha, ...rest])
    } catch (error) {
      if (!isReplyOf(error, /^NOSCRIPT/)) throw this.#toFailure(error)
      return this.send(['EVAL', script.text, ...rest])
    }
  }

  #send(command: readonly string[]): Promise<unknown> {
    if (this.isAway) return Promise.reject(new Error('away'))
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        reject(new Error('no answer in time'))
        this.#connection.renew()
      }
      let isOpen = true
      // Its timer may come late because this process was busy: then the answer lies there, and is read first.
      const late = (): void => void setImmediate(() => isOpen && giveUp())
      const cancel = this.#options.clock.after(this.#times.commandMs, late)
      const settle = (): void => {
        isOpen = false
        cancel()
      }
      this.#connection.client.sendCommand([...command]).then(
        (reply: unknown) => {
          settle()
          resolve(reply)
        },
        (error: unknown) => {
          settle()
          reject(error)
        },
      )
    })
  }

  #toFailure(error: unknown): GatewayError {
    if (isReplyOf(error, moved)) this.#connection.renew()
    return error instanceof GatewayError ? error : new GatewayError('storage_unavailable', { cause: error })
  }

  #up(): void {
    this.#isAway = false
    if (this.#isAwayTold) this.#options.onChange?.(null)
    this.#isAwayTold = false
    for (const task of this.#onUp) task()
  }

  #down(error: unknown): void {
    this.#isAway = true
    if (this.#isAwayTold) return
    this.#isAwayTold = true
    this.#options.onChange?.({ error })
  }

  /** Waits for the answers that are still to come: each comes, or does not, within its time. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.send(['PING']).catch(() => undefined)
    this.#connection.close()
  }
}

function isReplyOf(error: unknown, pattern: RegExp): boolean {
  return error instanceof Error && pattern.test(error.message)
}
