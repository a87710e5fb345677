/** WebSocket clients: an extension, one JSON-RPC message per text frame, subprotocol `mcp`. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type RawData, type WebSocket } from 'ws'
import { ChannelClient } from './channel-client.ts'
import type { ChannelCounts } from './channel-counts.ts'
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

  /** @throws GatewayError `too_many_sessions` */
  upgrade(context: Caller & { req: IncomingMessage; socket: Duplex; head: Buffer }): void {
    const { req, socket, head, principal, endpoint, address } = context
    this.#deps.gateway.sessions.checkRoom(principal)
    socket.once('close', this.#channels.add(principal))
    this.#server.handleUpgrade(req, socket, head, (ws) =>
      this.#serve(ws, { principal, endpoint, address }, req.headers.authorization),
    )
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
      if (isBinary) ws.close(unsupportedData)
      else client.receive(toText(data))
    })
    // The close that follows says all there is to do.
    ws.on('error', () => undefined)
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

function toText(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString()
  return Buffer.isBuffer(data) ? data.toString() : Buffer.from(data).toString()
}
