import type { SecureContext } from 'node:tls'
import { WebSocket, type ClientOptions } from 'ws'
import { GatewayError } from '#contract/errors.ts'
import type { Lease } from '#core/credential/lease.ts'
import type { Egress } from '#core/egress/egress.ts'
import { toAbortError, toConfigError, toOpenError, toStatusError } from './open-error.ts'

const subprotocol = 'mcp'
/** How long a closing handshake may take before the socket is cut. */
const closeTimeoutMs = 1000

export type SocketTarget = {
  url: string
  lease: Lease
  messageBytesMax: number
  connectTimeoutMs: number
  egress: Egress
  tls?: SecureContext | undefined
  signal: AbortSignal
}

/**
 * Opens a socket and hands it to `onOpen` before its first frame is read, so that no message is missed.
 * Rejects with a `GatewayError`; nothing is left open then.
 */
export function openSocket<Result>(target: SocketTarget, onOpen: (socket: WebSocket) => Result): Promise<Result> {
  const { signal, connectTimeoutMs } = target
  const { headers: sent } = target.lease
  return new Promise((resolve, reject) => {
    if (signal.aborted) throw toAbortError(signal)
    const socket = dial(target)
    let isAnswered = false
    const settle = () => {
      clearTimeout(deadline)
      signal.removeEventListener('abort', onAbort)
    }
    const fail = (error: GatewayError) => {
      settle()
      reject(error)
      socket.terminate()
    }
    const onAbort = () => fail(toAbortError(signal))
    // One deadline for all of it: the library's own restarts with every byte that a slow server sends.
    const deadline = setTimeout(() => fail(new GatewayError('upstream_timeout')), connectTimeoutMs)
    signal.addEventListener('abort', onAbort, { once: true })

    const onError = (error: Error) => fail(toOpenError(error, { isAnswered }))
    socket.on('error', onError)
    socket.on('unexpected-response', (_request, response) => {
      const challenge = response.headers['www-authenticate'] ?? null
      fail(toStatusError(response.statusCode ?? 0, { challenge, sent }))
    })
    socket.on('upgrade', (response) => {
      isAnswered = true
      // Many servers name no subprotocol, which the library takes for a refusal. One that names another is refused.
      response.headers['sec-websocket-protocol'] ??= subprotocol
    })
    socket.once('open', () => {
      settle()
      socket.off('error', onError)
      resolve(onOpen(socket))
    })
  })
}

type Options = ClientOptions & { closeTimeout: number; lookup: Egress['lookup']; secureContext?: SecureContext }

function dial(target: SocketTarget): WebSocket {
  // Parsed here, because the library's message for a bad address repeats it, secrets in it included.
  const base = URL.parse(target.url)
  if (base === null) throw toConfigError()
  const { path } = target.lease
  const url = path === undefined ? base : new URL(path, base)
  url.hash = ''
  const refusal = target.egress.refusalOf(url.hostname.replace(/^\[(.*)\]$/, '$1'))
  if (refusal !== null) throw refusal
  const options: Options = {
    // Who the server is, is checked whatever the environment says.
    rejectUnauthorized: true,
    ...(target.tls && { secureContext: target.tls }),
    lookup: target.egress.lookup,
    headers: toHeaderRecord(target.lease.headers),
    perMessageDeflate: false,
    followRedirects: false,
    maxPayload: target.messageBytesMax,
    closeTimeout: closeTimeoutMs,
  }
  try {
    return new WebSocket(url, subprotocol, options)
  } catch (error) {
    throw toConfigError(error)
  }
}

/** A name that is given twice becomes one list (RFC 9110 §5.3). */
function toHeaderRecord(headers: readonly string[]): Record<string, string> {
  const values = new Map<string, string>()
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = (headers[i] ?? '').toLowerCase()
    const value = headers[i + 1] ?? ''
    const earlier = values.get(name)
    values.set(name, earlier === undefined ? value : `${earlier}, ${value}`)
  }
  return Object.fromEntries(values)
}
