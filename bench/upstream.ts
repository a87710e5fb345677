/**
 * The MCP server behind every candidate: both eras, JSON or streamed answers, each shape at its own path (see
 * `answers.ts`). It shares a core with the load generator, so it speaks HTTP by hand and serialises nothing twice.
 *
 *   node bench/upstream.ts [--port N]     prints `{"port":N}`
 */
import { createServer, type Socket } from 'node:net'
import { parseArgs } from 'node:util'
import {
  buildResults,
  errorMessage,
  parseRequest,
  parseShape,
  progressMessage,
  resultMessage,
  type RpcId,
  type RpcRequest,
  type Shape,
} from './answers.ts'
import { createHttpReader, headerOf } from './http-reader.ts'

type Endpoint = { shape: Shape; results: Map<string, string> }

const endpoints = new Map<string, Endpoint | null>()
const sessions = new Set<string>()

function findEndpoint(path: string): Endpoint | null {
  const known = endpoints.get(path)
  if (known !== undefined) return known
  const shape = parseShape(path)
  const endpoint = shape && { shape, results: buildResults(shape) }
  endpoints.set(path, endpoint)
  return endpoint
}

const json = (status: string, body: string, extraHeader = ''): string =>
  `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\n${extraHeader}content-length: ${body.length}\r\n\r\n${body}`

const bare = (status: string): string => `HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`

/** Every event is a chunk of its own, as a server that writes them one by one would send them. */
function stream(messages: readonly string[]): string {
  const chunks = messages.map((message) => {
    const event = `event: message\ndata: ${message}\n\n`
    return `${event.length.toString(16)}\r\n${event}\r\n`
  })
  return `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n${chunks.join('')}0\r\n\r\n`
}

/** The whole HTTP response, as text, to one HTTP request. */
function answer(head: string, body: Buffer): string {
  const [method = '', path = ''] = head.slice(0, head.indexOf('\r\n')).split(' ', 2)
  const endpoint = findEndpoint(path)
  if (!endpoint) return bare('404 Not Found')
  if (method === 'DELETE')
    return bare(sessions.delete(headerOf(head, 'mcp-session-id') ?? '') ? '200 OK' : '404 Not Found')
  if (method !== 'POST') return bare('405 Method Not Allowed')
  const request = parseRequest(body.toString('latin1'))
  return endpoint.shape.era === 'modern' ? answerModern(endpoint, request, head) : answerLegacy(endpoint, request, head)
}

function answerLegacy(endpoint: Endpoint, request: RpcRequest, head: string): string {
  const { id, method } = request
  if (method === 'initialize' && id !== undefined) {
    const session = crypto.randomUUID()
    sessions.add(session)
    return json('200 OK', resultMessage(id, endpoint.results.get(method) ?? ''), `mcp-session-id: ${session}\r\n`)
  }
  const session = headerOf(head, 'mcp-session-id')
  if (session === undefined)
    return json('400 Bad Request', errorMessage(id, -32_000, 'Bad Request: Server not initialized'))
  if (!sessions.has(session)) return json('404 Not Found', errorMessage(id, -32_001, 'Session not found'))
  return id === undefined ? bare('202 Accepted') : answerCall(endpoint, request, id)
}

function answerModern(endpoint: Endpoint, request: RpcRequest, head: string): string {
  const { id, method } = request
  if (id === undefined) return bare('202 Accepted')
  if (!request.hasEnvelope) return json('400 Bad Request', errorMessage(id, -32_602, 'The envelope is missing'))
  if (headerOf(head, 'mcp-method') !== method)
    return json('400 Bad Request', errorMessage(id, -32_020, 'Header mismatch'))
  return answerCall(endpoint, request, id)
}

function answerCall({ shape, results }: Endpoint, request: RpcRequest, id: RpcId): string {
  const result = results.get(request.method)
  if (result === undefined) {
    return json(shape.era === 'modern' ? '404 Not Found' : '200 OK', errorMessage(id, -32_601, 'Method not found'))
  }
  const message = resultMessage(id, result)
  if (shape.eventCount === 0 || request.method !== 'tools/call') return json('200 OK', message)
  const token = request.progressToken
  const progressCount = token === undefined ? 0 : shape.eventCount - 1
  const progress = Array.from({ length: progressCount }, (_, step) =>
    progressMessage(token ?? 0, step + 1, shape.eventCount),
  )
  return stream([...progress, message])
}

function serve(socket: Socket): void {
  const reader = createHttpReader((head, body) => socket.write(answer(head, body), 'latin1'))
  socket.setNoDelay(true)
  socket.on('data', (chunk) => reader.push(chunk))
  socket.on('error', () => socket.destroy())
}

const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } })
const server = createServer(serve)
server.listen(Number(values.port), '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${JSON.stringify({ port: typeof address === 'object' ? address?.port : undefined })}\n`)
})
