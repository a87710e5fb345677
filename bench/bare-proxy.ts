/**
 * The reference R: a pass-through proxy of `node:http` in front and `undici` `Pool.dispatch` behind, and nothing else.
 * It streams answers with back-pressure, ends one side when the other goes away, and knows nothing of MCP. A request's
 * body is gathered first: for bodies of one packet that costs undici a tenth less CPU than a piped stream, and the
 * reference should be the harder one to match.
 *
 *   node bench/bare-proxy.ts --upstream http://127.0.0.1:PORT [--port N]     prints `{"port":N}`
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { parseArgs } from 'node:util'
import { Pool, type Dispatcher } from 'undici'

const { values } = parseArgs({ options: { port: { type: 'string', default: '0' }, upstream: { type: 'string' } } })
const pool = new Pool(values.upstream ?? 'http://127.0.0.1:1', { connections: 128 })

/** RFC 9110 §7.6.1: these speak of one hop. `host` is undici's to write. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'expect',
  'host',
])

function forwardedHeaders(raw: readonly string[]): string[] {
  const headers: string[] = []
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? ''
    if (!hopByHop.has(name.toLowerCase())) headers.push(name, raw[index + 1] ?? '')
  }
  return headers
}

/** Carries one answer from the upstream to the client, and an abort from the client to the upstream. */
function createRelay(response: ServerResponse): Dispatcher.DispatchHandler {
  return {
    onRequestStart(controller) {
      response.on('close', () => {
        if (!response.writableFinished) controller.abort(new Error('the client has gone'))
      })
      response.on('drain', () => controller.resume())
    },
    onResponseStart(controller, status) {
      const raw = Array.isArray(controller.rawHeaders) ? controller.rawHeaders : []
      response.writeHead(status, forwardedHeaders(raw.map((part) => part.toString('latin1'))))
    },
    onResponseData(controller, chunk) {
      if (!response.write(chunk)) controller.pause()
    },
    onResponseEnd() {
      response.end()
    },
    onResponseError() {
      if (response.headersSent) response.destroy()
      else response.writeHead(502).end()
    },
  }
}

function forward(request: IncomingMessage, response: ServerResponse): void {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('error', () => response.destroy())
  request.on('end', () => {
    const [only = null] = parts
    const body = parts.length > 1 ? Buffer.concat(parts) : only
    const { method = 'GET', url: path = '/' } = request
    pool.dispatch({ path, method, headers: forwardedHeaders(request.rawHeaders), body }, createRelay(response))
  })
}

const server = createServer({ keepAliveTimeout: 60_000 }, forward)
server.listen(Number(values.port), '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${JSON.stringify({ port: typeof address === 'object' ? address?.port : undefined })}\n`)
})
