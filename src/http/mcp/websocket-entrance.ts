/** WebSocket clients: an extension, one JSON-RPC message per text frame, subprotocol `mcp`. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type RawData, type WebSocket } from 'ws'
import { ChannelClient } from './channel-client.ts'
import type { ChannelCounts } from './channel-counts.ts'
import { GatewayError } from '#contract/errors.ts'
import type { Caller, EntranceDeps } from './entrance.ts'

const pingMs = 30_000
const backlogBytesMax = 4_194_304
const policyViolation = 1008
const unsupportedData = 1003

export class WebSocketEntrance {
  readonly #deps: EntranceDeps
  readonly #channels: ChannelCounts
  readonly #server: WebSocketServer

  constructor(deps: EntranceDeps, channels: ChannelCounts) {
    this.#deps = deps
    this.#channels = channels
    this.#server = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: deps.limits.requestBytesMax,
      handleProtocols: (offered) => (offered.has('mcp') ? 'mcp' : false),
    })
  }

  get size(): number {
    return this.#server.clients.size
  }

  /**
   * @returns whether the handshake was one; what was none has been answered
   * @throws GatewayError `too_many_sessions`
   */
  upgrade(context: Caller & { req: IncomingMessage; socket: Duplex; head: Buffer }): boolean {
    const { req, socket, head, principal, endpoint, address } = context
    this.#deps.gateway.sessions.checkRoom(principal)
    socket.once('close', this.#channels.add(principal))
    let isServed = false
    this.#server.handleUpgrade(req, socket, head, (ws) => {
      isServed = true
      this.#serve(ws, { principal, endpoint, address }, req.headers.authorization)
    })
    return isServed
  }

  #serve(ws: WebSocket, caller: Caller, authorization: string | undefined): void {
    const client = new ChannelClient({
      ...caller,
      deps: this.#deps,
      authorization,
      send: (text) => {
        if (ws.bufferedAmount > backlogBytesMax) ws.terminate()
        else ws.send(text)
      },
      close: () => ws.close(policyViolation),
    })
    let isAlive = true
    const timer = setInterval(() => {
      if (!isAlive) return ws.terminate()
      isAlive = false
      ws.ping()
    }, pingMs)
    timer.unref()
    ws.on('pong', () => (isAlive = true))
    ws.on('message', (data, isBinary) => {
      isAlive = true
      if (!isBinary) return client.receive(toText(data))
      client.recordUnread(new GatewayError('unsupported_media_type'))
      ws.close(unsupportedData)
    })
    // The close that follows says all there is to do.
    ws.on('error', (error) => {
      const failure = toFrameFailure(error)
      if (failure) client.recordUnread(failure)
    })
    ws.on('close', () => {
      clearInterval(timer)
      client.end()
    })
  }

  close(): void {
    for (const ws of this.#server.clients) ws.terminate()
    this.#server.close()
  }
}

/** Null where the connection failed, and not what was sent on it. */
function toFrameFailure(error: Error): GatewayError | null {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return new GatewayError('body_too_large')
  return code.startsWith('WS_ERR_') ? new GatewayError('parse_error') : null
}

function toText(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString()
  return Buffer.isBuffer(data) ? data.toString() : Buffer.from(data).toString()
}
