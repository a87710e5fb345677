/** What arrives is what was signed: a server checks the signature, with the SDK of AWS, of what it has received. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createSigV4 } from '#adapters/aws/sigv4.ts'
import { createHttpWire } from '#adapters/mcp-http/http-wire.ts'
import { systemClock } from '#compose/system-clock.ts'
import type { WireAnswer, WireRequest } from '#core/upstream/http-wire.ts'
import { createAwsVerifier } from '../support/aws-verifier.ts'
import { openEgress } from '../support/egress.ts'
import { readAll } from '../support/raw-http.ts'

const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'token+/=', expiresAt: null }
const scope = { region: 'eu-central-1', service: 'bedrock-agentcore' }
const isSigned = createAwsVerifier(keys, scope)

const server = createServer((request, response) => {
  void verify(request).then((isGood) => response.writeHead(isGood ? 200 : 403).end())
})
let origin: string

beforeEach(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterEach(async () => {
  server.close()
  await once(server, 'close')
})

async function verify(request: IncomingMessage): Promise<boolean> {
  const { method = '', url: path = '', headers } = request
  return isSigned({ method, path, headers, text: await readAll(request) })
}

async function send(
  path: string,
  request: WireRequest,
  change: (headers: string[]) => string[] = (same) => same,
): Promise<number> {
  const { host } = new URL(origin)
  const url = new URL(path, origin)
  const sign = createSigV4({ host, path: url.pathname + url.search, ...scope }, systemClock)
  const wire = createHttpWire({ url: url.href, connectionsMax: 1, connectTimeoutMs: 10_000, egress: openEgress })
  const status = await new Promise<number>((resolve, reject) => {
    const answer: WireAnswer = {
      head: (head) => resolve(head.status),
      chunk: () => true,
      end: () => undefined,
      fail: reject,
    }
    wire.send({ ...request, headers: change([...request.headers, ...sign(request, keys)]) }, answer)
  })
  await wire.close()
  return status
}

const post: WireRequest = {
  method: 'POST',
  headers: [
    'accept',
    'application/json, text/event-stream',
    'content-type',
    'application/json',
    'x-amz-meta',
    ' a  b ',
  ],
  body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"text":"grüße 🙂"}}',
  silenceMsMax: 10_000,
}
const runtime =
  '/runtimes/arn%3Aaws%3Abedrock-agentcore%3Aeu-central-1%3A1%3Aruntime%2Fx/invocations?qualifier=DEFAULT&b=a%20b'

it.each(['/', '/mcp', '/a/b/', '/grüße/~x?b=2&a=1&a0=%2B', runtime])('is taken at %s', async (path) => {
  expect(await send(path, post)).toBe(200)
})

it('is taken with bytes, and without a body', async () => {
  expect(await send('/mcp', { ...post, body: Buffer.from([0, 255, 1]).toString('latin1') })).toBe(200)
  expect(await send('/mcp', { ...post, body: Buffer.from('{"a":"é"}') })).toBe(200)
  for (const method of ['GET', 'DELETE'] as const)
    expect(await send('/mcp', { method, headers: ['accept', 'text/event-stream'], silenceMsMax: 10_000 })).toBe(200)
})

it('is not taken when anything that is signed was changed', async () => {
  const swap = (from: string, to: string) => (headers: string[]) => headers.map((text) => (text === from ? to : text))
  expect(await send('/mcp', post, swap('application/json', 'text/plain'))).toBe(403)
  expect(await send('/mcp', post, swap(' a  b ', 'a c'))).toBe(403)
})
