import { Socket } from 'node:net'
import { TLSSocket, type SecureContext } from 'node:tls'
import buildConnector from 'undici/lib/core/connect.js'
import Pool from 'undici/lib/dispatcher/pool.js'
import type { Egress } from '#core/egress/egress.ts'
import { toConfigError } from './sse-error.ts'

/** The sockets of one channel. */
export type ChannelPool = {
  dispatch: Pool['dispatch']
  /** Fails what is under way and resolves when no socket is left. Never rejects. */
  destroy(): Promise<void>
}

type ConnectOptions = { connectTimeoutMs: number; egress: Egress; tls?: SecureContext | undefined }

/** @throws `config_invalid` when the URL is not of HTTP */
export function createChannelPool(url: URL, options: ConnectOptions): ChannelPool {
  const sockets = new Set<Socket>()
  const pool = createPool(url, options, sockets)
  return {
    dispatch: (request, handler) => pool.dispatch(request, handler),
    async destroy() {
      await Promise.all([pool.destroy(), ...Array.from(sockets, destroySocket)])
    },
  }
}

/** The library forgets a socket that is still connecting when its pool is destroyed; `sockets` does not. */
function createPool(url: URL, { connectTimeoutMs, egress, tls }: ConnectOptions, sockets: Set<Socket>): Pool {
  // HTTP/1.1 keeps the endless stream and the posts on sockets of their own.
  const plain = { allowH2: false, timeout: connectTimeoutMs, lookup: egress.lookup }
  // Who the server is, is checked whatever the environment says.
  const connect = buildConnector({ ...plain, rejectUnauthorized: true, ...(tls && { secureContext: tls }) })
  try {
    return new Pool(url.origin, {
      allowH2: false,
      connect(target, callback) {
        const refusal = egress.refusalOf(target.hostname)
        if (refusal !== null) return callback(refusal, null)
        const socket: unknown = connect(target, callback)
        if (!(socket instanceof Socket)) return
        sockets.add(socket)
        // A server that takes no certificate of ours says so after the handshake (TLS 1.3), and closes; undici tells the latter, unless the
        // first is the end.
        if (socket instanceof TLSSocket) socket.once('error', () => socket.destroy())
        socket.once('close', () => sockets.delete(socket))
      },
    })
  } catch (error) {
    throw toConfigError(error)
  }
}

function destroySocket(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve())
    // With an error, because only that stops the connector's timer.
    socket.destroy(new Error('the channel was closed'))
  })
}
