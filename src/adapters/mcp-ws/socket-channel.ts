import { WebSocket, type RawData } from 'ws'
import { GatewayError } from '#contract/errors.ts'
import { isNestedTooDeeply } from '#core/protocol/scan.ts'
import type { Channel, ChannelEnd, ChannelEvents } from '#core/upstream/channel-wire.ts'

/** A server that does not read may not make us hold more than this. One message always fits. */
const unsentBytesMax = 8 * 1024 * 1024

/** Close codes of RFC 6455 §7.4.1. */
const closeCode = { normal: 1000, unsupportedData: 1003, invalidPayload: 1007 } as const

type ChannelOptions = { events: ChannelEvents; pingIntervalMs: number }

/** Turns an open socket into a channel. Call it before the socket's first frame is read. */
export function createSocketChannel(socket: WebSocket, { events, pingIntervalMs }: ChannelOptions): Channel {
  let isOver = false
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const stopHeartbeat = startHeartbeat(socket, pingIntervalMs, () => {
    end({ kind: 'lost', text: `The server did not answer a ping within ${pingIntervalMs} ms.` })
    socket.terminate()
  })

  function end(reason: ChannelEnd): void {
    if (isOver) return
    isOver = true
    stopHeartbeat()
    events.closed(reason)
  }

  socket.on('message', (data, isBinary) => {
    if (isOver) return
    const frame = readFrame(data, isBinary)
    if ('message' in frame) return events.message(frame.message)
    end({ kind: 'garbage', text: frame.garbage })
    socket.close(frame.closeCode)
  })
  socket.on('error', (error) => end(toEnd(error)))
  socket.once('close', (code) => end({ kind: 'lost', text: `The server closed the connection (code ${code}).` }))

  return {
    send: (text) => (isOver ? Promise.reject(new GatewayError('upstream_closed')) : sendFrame(socket, text)),
    close() {
      end({ kind: 'closed', text: 'The gateway closed the channel.' })
      socket.close(closeCode.normal)
      return gone
    },
  }
}

type Frame = { message: unknown } | { garbage: string; closeCode: number }

function readFrame(data: RawData, isBinary: boolean): Frame {
  if (isBinary || !Buffer.isBuffer(data)) {
    return { garbage: 'The server sent a binary frame.', closeCode: closeCode.unsupportedData }
  }
  try {
    const text = data.toString('utf8')
    const message: unknown = JSON.parse(text)
    if (!isNestedTooDeeply(text)) return { message }
    return { garbage: 'The server sent a message that is nested too deeply.', closeCode: closeCode.invalidPayload }
  } catch {
    return { garbage: 'The server sent a message that is not JSON.', closeCode: closeCode.invalidPayload }
  }
}

function sendFrame(socket: WebSocket, text: string): Promise<void> {
  if (socket.bufferedAmount > unsentBytesMax) {
    return Promise.reject(new GatewayError('upstream_closed', { details: { reason: 'backlog_full' } }))
  }
  return new Promise((resolve, reject) => {
    socket.send(text, (error) => {
      if (error) reject(new GatewayError('upstream_closed', { cause: error }))
      else resolve()
    })
  })
}

/** Any frame shows that the server is there; the ping asks for one. */
function startHeartbeat(socket: WebSocket, intervalMs: number, onSilence: () => void): () => void {
  let isAlive = true
  const seen = () => {
    isAlive = true
  }
  for (const event of ['message', 'ping', 'pong'] as const) socket.on(event, seen)
  const timer = setInterval(() => {
    if (!isAlive) return onSilence()
    isAlive = false
    if (socket.readyState === WebSocket.OPEN) socket.ping()
  }, intervalMs)
  timer.unref()
  return () => clearInterval(timer)
}

/** The library marks with `WS_ERR_` what breaks RFC 6455 or its limits; the rest comes from the network. */
function toEnd(error: Error): ChannelEnd {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
    return { kind: 'too_large', text: 'The server sent a message over the size limit.' }
  }
  if (code.startsWith('WS_ERR_')) return { kind: 'garbage', text: `The server broke the WebSocket protocol (${code}).` }
  return { kind: 'lost', text: `The connection broke${code === '' ? '' : ` (${code})`}.` }
}
