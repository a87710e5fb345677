/** What the tests of channels' wires stand on: a server whose connections are counted, and what happens on a channel. */
import { once } from 'node:events'
import type { Server, Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import type { ChannelEnd, ChannelEvents } from '#core/upstream/channel-wire.ts'

export type Peer = {
  origin: string
  connectionCount: () => number
  openCount: () => number
  /** Resolves when every connection that was made is gone. */
  emptied: () => Promise<unknown>
}

/** Until the test ends. */
export async function listen(server: Server): Promise<Peer> {
  const sockets = new Set<Socket>()
  let connectionCount = 0
  server.on('connection', (socket: Socket) => {
    connectionCount++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    origin: `http://127.0.0.1:${port}`,
    connectionCount: () => connectionCount,
    openCount: () => sockets.size,
    emptied: () =>
      Promise.all(Array.from(sockets, (socket) => new Promise((resolve) => socket.once('close', resolve)))),
  }
}

/** `log` has everything in its order; `next` waits for a message. */
export function recordEvents(): {
  events: ChannelEvents
  closed: Promise<ChannelEnd>
  log: unknown[]
  next: () => Promise<unknown>
} {
  const log: unknown[] = []
  const waiting: ((message: unknown) => void)[] = []
  const messages: unknown[] = []
  const ended = Promise.withResolvers<ChannelEnd>()
  const events: ChannelEvents = {
    message(message) {
      log.push({ message })
      const take = waiting.shift()
      if (take === undefined) messages.push(message)
      else take(message)
    },
    closed(reason) {
      log.push({ closed: reason.kind })
      ended.resolve(reason)
    },
  }
  const next = () =>
    new Promise<unknown>((resolve) => {
      if (messages.length > 0) resolve(messages.shift())
      else waiting.push(resolve)
    })
  return { events, closed: ended.promise, log, next }
}
