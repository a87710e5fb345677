/** MCP servers over a WebSocket and over HTTP+SSE (2024-11-05) that do what a test tells them to. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { WebSocketServer } from 'ws'
import { readAll, type Json } from './raw-http.ts'

/** The gateway, as the server sees it. */
export interface UpstreamPeer {
  /** One message. */
  say(message: Json): void
  /** The text of one message, whatever it is. */
  raw(text: string): void
  /** Cuts the connection. */
  cut(): void
}

export type ChannelHandler = (peer: UpstreamPeer, message: Json) => void

export type ChannelScript = {
  capabilities?: Json
  /** By tool name. */
  calls?: Record<string, ChannelHandler>
  /** By method. */
  on?: Record<string, ChannelHandler>
}

export type RawChannelUpstream = AsyncDisposable & {
  readonly url: string
  readonly transport: Json
  readonly seen: Json[]
  readonly sockets: ReadonlySet<Socket>
}

function answer(script: ChannelScript, peer: UpstreamPeer, message: Json): void {
  const { id, method, params } = message
  const handler = method === 'tools/call' ? script.calls?.[String(params?.name)] : script.on?.[String(method)]
  if (handler) return handler(peer, message)
  if (id === undefined || method === undefined) return
  const result = usualResult(script, String(method))
  peer.say(result ? { jsonrpc: '2.0', id, result } : { jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } })
}

function usualResult({ calls = {}, capabilities }: ChannelScript, method: string): Json | null {
  switch (method) {
    case 'initialize':
      return {
        protocolVersion: '2025-11-25',
        capabilities: capabilities ?? { tools: {}, logging: {} },
        serverInfo: { name: 'raw', version: '1' },
      }
    case 'tools/list':
      return { tools: ['echo', ...Object.keys(calls)].map((name) => ({ name, inputSchema: { type: 'object' } })) }
    case 'tools/call':
      return { content: [{ type: 'text', text: 'ok' }] }
    case 'ping':
      return {}
    default:
      return null
  }
}

function parse(text: string): Json {
  return JSON.parse(text) as Json
}

/** Both kinds are an HTTP server whose sockets are counted. */
async function startServer(onRequest: (req: IncomingMessage, res: ServerResponse) => void) {
  const sockets = new Set<Socket>()
  const server = createServer(onRequest)
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return { server, sockets, close, port: (server.address() as AddressInfo).port }
}

export async function rawWebSocketUpstream(script: ChannelScript = {}): Promise<RawChannelUpstream> {
  const { server, sockets, close, port } = await startServer((_req, res) => void res.writeHead(426).end())
  const seen: Json[] = []
  const webSockets = new WebSocketServer({ server })
  webSockets.on('connection', (ws) => {
    ws.on('error', () => undefined)
    const peer: UpstreamPeer = {
      say: (message) => ws.send(JSON.stringify(message)),
      raw: (text) => ws.send(text),
      cut: () => ws.terminate(),
    }
    ws.on('message', (data: Buffer) => {
      const message = parse(data.toString())
      seen.push(message)
      answer(script, peer, message)
    })
  })
  const url = `ws://127.0.0.1:${port}/`
  return { url, transport: { kind: 'websocket', url }, seen, sockets, [Symbol.asyncDispose]: close }
}

export async function rawSseUpstream(script: ChannelScript = {}): Promise<RawChannelUpstream> {
  const seen: Json[] = []
  const streams = new Map<string, ServerResponse>()
  let nextId = 1
  const { sockets, close, port } = await startServer((req, res) => {
    res.on('error', () => undefined)
    if (req.method === 'GET') {
      const id = String(nextId++)
      streams.set(id, res)
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write(`event: endpoint\ndata: /post?id=${id}\n\n`)
      return
    }
    const stream = streams.get(new URL(req.url ?? '/', 'http://x').searchParams.get('id') ?? '')
    void readAll(req).then((text) => {
      const message = parse(text)
      seen.push(message)
      res.writeHead(202).end()
      if (!stream) return
      const raw = (data: string): void => void stream.write(`event: message\ndata: ${data}\n\n`)
      answer(script, { raw, say: (value) => raw(JSON.stringify(value)), cut: () => stream.destroy() }, message)
    })
  })
  const url = `http://127.0.0.1:${port}/sse`
  return { url, transport: { kind: 'sse', url }, seen, sockets, [Symbol.asyncDispose]: close }
}
