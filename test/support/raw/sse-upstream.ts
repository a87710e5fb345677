/** An MCP server of the revision 2024-11-05: a stream at GET, which first names the address to POST to. */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { listenOnLoopback, type LoopbackServer } from '../../conformance/loopback-server.ts'
import { answerTo, handlersFor, type Json, type RawHandlers, type RawOptions } from './exchange.ts'
import type { Seen } from './http-upstream.ts'

export type RawSseUpstream = LoopbackServer & { seen: Seen[]; count(method: string): number }

export async function startRawSseUpstream(options: RawOptions = {}): Promise<RawSseUpstream> {
  const seen: Seen[] = []
  const streams = new Map<string, ServerResponse>()
  const handlers = handlersFor(options)

  const server = createServer((req, res) => {
    readJson(req)
      .then((body) => {
        const method = typeof body['method'] === 'string' ? body['method'] : ''
        seen.push({ http: req.method ?? '', method, headers: req.headers, body })
        const url = new URL(req.url ?? '/', 'http://localhost')
        if (req.method === 'GET') return openStream(streams, res)
        const stream = streams.get(url.searchParams.get('session') ?? '')
        if (url.pathname !== '/messages' || !stream) return void res.writeHead(405).end('Method Not Allowed')
        res.writeHead(202).end('Accepted')
        return body['id'] === undefined ? undefined : answerOn(stream, { handlers, body, headers: req.headers })
      })
      .catch(() => res.destroy())
  })
  const listening = await listenOnLoopback(server, { port: 0, path: '/sse' })
  return { ...listening, seen, count: (method) => seen.filter((one) => one.method === method).length }
}

function openStream(streams: Map<string, ServerResponse>, res: ServerResponse): void {
  const id = randomUUID()
  streams.set(id, res)
  res.once('close', () => streams.delete(id))
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  res.write(`event: endpoint\ndata: /messages?session=${id}\n\n`)
}

async function answerOn(
  stream: ServerResponse,
  request: { handlers: RawHandlers; body: Json; headers: IncomingMessage['headers'] },
): Promise<void> {
  const write = (message: Json): void => void stream.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`)
  const answer = await answerTo(request.handlers, request.body['id'], {
    era: 'legacy',
    method: String(request.body['method']),
    params: (request.body['params'] ?? {}) as Json,
    headers: request.headers,
    sessionId: undefined,
    notify: (method, params) => write({ jsonrpc: '2.0', method, params }),
    ask: () => Promise.reject(new Error('not here')),
    cancelled: new Promise(() => undefined),
  })
  write(answer)
}

async function readJson(req: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString()
  return text === '' ? {} : JSON.parse(text)
}
