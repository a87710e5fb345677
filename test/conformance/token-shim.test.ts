import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { afterEach, expect, it } from 'vitest'
import { listenOnLoopback } from './loopback-server.ts'
import { startTokenShim } from './token-shim.ts'

let resources = new AsyncDisposableStack()

afterEach(async () => {
  await resources.disposeAsync()
  resources = new AsyncDisposableStack()
})

async function startBehindShim(listener: RequestListener): Promise<string> {
  const target = resources.use(await listenOnLoopback(createServer(listener), { port: 0, path: '' }))
  return resources.use(await startTokenShim({ target: target.url, token: 'tg_secret' })).url
}

async function receive(url: string, options: { method: string; headers: Record<string, string>; body?: string }) {
  const outgoing = request(url, { method: options.method, headers: options.headers })
  outgoing.end(options.body)
  const [response]: IncomingMessage[] = await once(outgoing, 'response')
  return { outgoing, response: response as IncomingMessage }
}

it('adds the token and leaves method, path, Host, Origin and body as they came', async () => {
  const seen: {
    method?: string | undefined
    url?: string | undefined
    headers?: IncomingMessage['headers']
    body: string
  } = { body: '' }
  const url = await startBehindShim((incoming, answer) => {
    Object.assign(seen, { method: incoming.method, url: incoming.url, headers: incoming.headers })
    incoming.on('data', (chunk: Buffer) => {
      seen.body += chunk.toString()
    })
    incoming.on('end', () => answer.writeHead(404, { 'mcp-session-id': 'abc' }).end('{}'))
  })
  const headers = { host: 'evil.example.com', origin: 'http://evil.example.com', 'mcp-name': '  padded  ' }
  const { response } = await receive(`${url}/fixture/mcp?x=1`, { method: 'POST', headers, body: '{"a":1}' })
  response.resume()
  expect(response.statusCode).toBe(404)
  expect(response.headers['mcp-session-id']).toBe('abc')
  expect(seen).toMatchObject({ method: 'POST', url: '/fixture/mcp?x=1', body: '{"a":1}' })
  expect(seen.headers).toMatchObject({
    authorization: 'Bearer tg_secret',
    host: 'evil.example.com',
    origin: 'http://evil.example.com',
  })
})

it('passes headers and events on before the response ends', async () => {
  let stream: ServerResponse | undefined
  const url = await startBehindShim((_, answer) => {
    stream = answer.writeHead(200, { 'content-type': 'text/event-stream' })
    answer.flushHeaders()
  })
  const { outgoing, response } = await receive(url, { method: 'GET', headers: {} })
  const event = once(response, 'data')
  stream?.write('data: 1\n\n')
  expect(String((await event)[0])).toBe('data: 1\n\n')
  outgoing.on('error', () => undefined).destroy()
})

it('cuts the connection to the target when the client goes away', async () => {
  const closed = Promise.withResolvers<void>()
  const url = await startBehindShim((_, answer) => {
    answer.writeHead(200).flushHeaders()
    answer.once('close', closed.resolve)
  })
  const { outgoing, response } = await receive(url, { method: 'GET', headers: {} })
  response.on('error', () => undefined)
  outgoing.on('error', () => undefined).destroy()
  await expect(closed.promise).resolves.toBeUndefined()
})

it('cuts the connection to the client when the target breaks off', async () => {
  const url = await startBehindShim((_, answer) => {
    answer.writeHead(200).write('half')
    setImmediate(() => answer.destroy())
  })
  const { response } = await receive(url, { method: 'GET', headers: {} })
  await expect(response.toArray()).rejects.toThrow('aborted')
})
