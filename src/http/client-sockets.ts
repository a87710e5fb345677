/**
 * The open connections, and the end of those that nobody uses any more. The HTTP server has a timer for each, which it sets and clears with
 * every request: measured, a thirtieth of a call's CPU time. Looking at all of them once in a while needs nothing of a request but its place.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

type Use = {
  /** The newest answer, while it is under way. */
  response: ServerResponse | null
  bytesRead: number
  /** Unix time in milliseconds. */
  usedAt: number
}

/** So long a connection may be idle. */
const idleSeconds = 65

/** For an answer's head: how long its connection can be used again. */
export const keepAliveHeader = ['keep-alive', `timeout=${idleSeconds}`] as const

export class ClientSockets {
  /** Null: not ours to close. */
  readonly #uses = new Map<Socket, Use | null>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  get all(): IteratorObject<Socket> {
    return this.#uses.keys()
  }

  add(socket: Socket): void {
    this.#uses.set(socket, { response: null, bytesRead: 0, usedAt: this.#now() })
    socket.once('close', () => this.#uses.delete(socket))
  }

  /** A request has come on a connection. */
  used(socket: Socket, response: ServerResponse): void {
    const use = this.#uses.get(socket)
    if (use) use.response = response
  }

  /** It speaks another protocol from now on, which knows itself when it is over. */
  release(socket: Socket): void {
    this.#uses.set(socket, null)
  }

  /** Closes what has been idle for too long. A request that came in part is the HTTP server's to wait for. */
  sweep(): void {
    const now = this.#now()
    for (const [socket, use] of this.#uses) {
      if (use === null) continue
      if (isInUse(socket, use)) use.usedAt = now
      else if (now - use.usedAt >= idleSeconds * 1000) socket.destroy()
    }
  }
}

function isInUse(socket: Socket, use: Use): boolean {
  const { response, bytesRead } = use
  use.bytesRead = socket.bytesRead
  if (response && !response.writableFinished && !response.destroyed) return true
  use.response = null
  return socket.bytesRead !== bytesRead
}
