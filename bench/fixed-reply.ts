/**
 * A bare `node:http` server that answers every request with the same bytes: what a prepared answer costs at least.
 *
 *   node bench/fixed-reply.ts --body FILE     prints `{"port":N}`
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { body: { type: 'string', default: '' } } })
const body = readFileSync(values.body)
const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length }

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  request.on('end', () => response.writeHead(200, headers).end(body))
  request.resume()
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${JSON.stringify({ port: typeof address === 'object' ? address?.port : undefined })}\n`)
})
