/** The same over Streamable HTTP: a session, and a server, for each `initialize`. */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { listenOnLoopback, type LoopbackServer } from '../../conformance/loopback-server.ts'
import { createV1Server, type Subscriptions } from './server.ts'

export type V1HttpServer = LoopbackServer & { told: Subscriptions }

export async function startV1Server(): Promise<V1HttpServer> {
  const told: Subscriptions = { subscribed: [], unsubscribed: [] }
  const sessions = new Map<string, StreamableHTTPServerTransport>()

  async function open(): Promise<StreamableHTTPServerTransport> {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
    })
    await createV1Server(told).connect(transport)
    return transport
  }

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const id = req.headers['mcp-session-id']
    const transport = typeof id === 'string' ? sessions.get(id) : await open()
    if (transport) await transport.handleRequest(req, res)
    else res.writeHead(404).end()
  }

  const server = createServer((req, res) => void handle(req, res).catch(() => res.destroy()))
  return Object.assign(await listenOnLoopback(server, { port: 0, path: '/mcp' }), { told })
}
