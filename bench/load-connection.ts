/** One keep-alive connection of the load generator: one request under way at a time. */
import { connect, type Socket } from 'node:net'
import { createHttpReader, headerOf } from './http-reader.ts'
import {
  buildInitialize,
  buildInitialized,
  buildLoadRequest,
  buildSessionEnd,
  findFault,
  firstId,
  type RequestFrame,
  type Target,
} from './load-requests.ts'

export type Answer = { head: string; body: Buffer }
type OnFault = (fault: string) => void

export class LoadConnection {
  readonly #socket: Socket
  readonly #target: Target
  #frame: RequestFrame = { before: '', after: '' }
  readonly #connected: Promise<void>
  #onAnswer: ((answer: Answer) => void) | null = null
  #onLost: OnFault = () => {}

  constructor(target: Target) {
    const url = new URL(target.url)
    this.#target = target
    this.#socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true })
    this.#connected = new Promise((resolve, reject) => {
      this.#socket.once('connect', resolve)
      this.#socket.once('close', () => reject(new Error('cannot connect')))
    })
    // Whoever opens the connection gets the failure; here it must only not be unhandled.
    this.#connected.catch(() => {})
    const reader = createHttpReader((head, body) => {
      const onAnswer = this.#onAnswer
      this.#onAnswer = null
      onAnswer?.({ head, body })
    })
    this.#socket.on('data', (chunk) => reader.push(chunk))
    this.#socket.on('error', (error) => this.#lose(`the connection failed: ${error.message}`))
    this.#socket.on('close', () => this.#lose('the connection was closed'))
  }

  #lose(fault: string): void {
    const onLost = this.#onLost
    this.#onLost = () => {}
    this.#onAnswer = null
    onLost(fault)
  }

  get isBusy(): boolean {
    return this.#onAnswer !== null
  }

  /** Connects and, in the legacy era, joins `session` or opens one. Gives the session's id. */
  async open(session?: string): Promise<string | undefined> {
    await this.#connected
    const joined = this.#target.era === 'legacy' ? (session ?? (await this.initialize())) : undefined
    this.#frame = buildLoadRequest(this.#target, joined)
    return joined
  }

  /** Opens one more legacy session on this connection and gives its id. */
  async initialize(): Promise<string | undefined> {
    const { head, body } = await this.#exchange(buildInitialize(this.#target))
    if (!head.startsWith('HTTP/1.1 200'))
      throw new Error(`initialize failed: ${head.slice(0, 80)} ${body.toString('latin1', 0, 300)}`)
    const session = headerOf(head, 'mcp-session-id')
    if (session !== undefined) await this.#exchange(buildInitialized(this.#target, session))
    return session
  }

  #exchange(frame: RequestFrame): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#onLost = (fault) => reject(new Error(fault))
      this.#onAnswer = resolve
      this.#send(frame, firstId)
    })
  }

  #send(frame: RequestFrame, id: number): void {
    this.#socket.write(frame.after === '' ? frame.before : frame.before + id + frame.after, 'latin1')
  }

  /** Sends the load request once; `onDone` gets the fault of its answer, or `null`. */
  call(id: number, onDone: (fault: string | null) => void): void {
    this.#onLost = onDone
    this.#onAnswer = (answer) => {
      this.#onLost = () => {}
      const fault = findFault(this.#target, id, answer)
      onDone(fault && `${fault}: ${answer.head.slice(0, 60)} … ${answer.body.toString('latin1', 0, 300)}`)
    }
    this.#send(this.#frame, id)
  }

  /** Sends the load request once and gives its answer unchecked. */
  ask(): Promise<Answer> {
    return this.#exchange(this.#frame)
  }

  /** Gives up: whatever is under way ends with a fault. */
  abandon(): void {
    this.#socket.destroy()
  }

  /** Ends the session, if one is named, and the connection. */
  async close(session?: string): Promise<void> {
    if (session !== undefined && !this.#socket.destroyed) {
      await this.#exchange(buildSessionEnd(this.#target, session)).catch(() => {})
    }
    this.#onLost = () => {}
    this.#socket.destroy()
  }
}

/** One call on a connection and a session of its own; the id is `firstId`. */
export async function askOnce(target: Target): Promise<Answer> {
  const connection = new LoadConnection(target)
  let session: string | undefined
  try {
    session = await connection.open()
    return await connection.ask()
  } finally {
    await connection.close(session)
  }
}
