/** One connection to Redis that is made again by itself, for as long as it is not closed. */
import { createClient } from '@redis/client'

export type RedisConnectionOptions = {
  /** `redis://`, `rediss://` or `unix://`, with user, password and database as usual. */
  url: string
  /** What the server's CLIENT LIST calls it. */
  name: string
  /** How long nothing may come from the server, in milliseconds, before the connection is taken for lost. */
  silenceMs: number
  /** Each time when the connection stands, and has been prepared by nobody yet. */
  onUp(): void
  /** Each time when it is lost, and each time when it could not be made. */
  onDown(cause: unknown): void
}

const retryMsMax = 1_000

export class RedisConnection {
  readonly #options: RedisConnectionOptions
  #client: Client
  #isClosed = false
  #renewedAt = -Infinity

  constructor(options: RedisConnectionOptions) {
    this.#options = options
    this.#client = this.#open()
  }

  get client(): Client {
    return this.#client
  }

  get isReady(): boolean {
    return this.#client.isReady
  }

  /**
   * Gives up the connection for a new one: it does not answer, or leads to a server that may not write any more. What waits for an answer is
   * rejected. At most once a second.
   */
  renew(): void {
    const now = performance.now()
    if (this.#isClosed || now - this.#renewedAt < retryMsMax) return
    this.#renewedAt = now
    this.#client.destroy()
    this.#client = this.#open()
  }

  close(): void {
    this.#isClosed = true
    this.#client.destroy()
  }

  #open(): Client {
    const options = this.#options
    const client = create(options)
    const isCurrent = (): boolean => this.#client === client && !this.#isClosed
    client.on('ready', () => {
      if (isCurrent()) options.onUp()
    })
    client.on('error', (cause: unknown) => {
      if (isCurrent() && !client.isReady) options.onDown(cause)
    })
    // What keeps it from connecting is told as an error; the promise says no more than that.
    client.connect().catch(() => undefined)
    return client
  }
}

type Client = ReturnType<typeof create>

function create({ url, name, silenceMs }: Pick<RedisConnectionOptions, 'url' | 'name' | 'silenceMs'>) {
  return createClient({
    url,
    name,
    // A call that cannot be sent now is told so now.
    disableOfflineQueue: true,
    commandsQueueMaxLength: 10_000,
    // It is no bound for a server that has stopped: it ends with the writing of the command. RedisLink has one that holds.
    commandOptions: { timeout: 0 },
    pingInterval: Math.ceil(silenceMs / 3),
    maintNotifications: 'disabled',
    socket: {
      connectTimeout: silenceMs,
      socketTimeout: silenceMs,
      // For ever, and also after a silence, where the client's own strategy gives up. Apart, so that replicas do not come all at once.
      reconnectStrategy: (retries) => Math.min(retryMsMax, 25 * 2 ** Math.min(retries, 6)) * (0.5 + Math.random() / 2),
    },
  })
}
