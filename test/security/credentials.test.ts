/** The gateway's credential for a server stays between the two, and the caller's token stays with the gateway. */
import assert from 'node:assert/strict'
import { describe, expect, it } from 'vitest'
import { plant } from '../support/planted.ts'
import { initialize, openLegacy, openModern, openWebSocket, post } from '../support/raw-client.ts'
import { rawToken, startRawGateway, type RawGateway } from '../support/raw-gateway.ts'
import type { Json, RawAnswer } from '../support/raw-http.ts'
import { rawUpstream, toServer, type Handler, type RawUpstream, type UpstreamScript } from '../support/raw-upstream.ts'

const canary = plant('credential')
const credentials: readonly (readonly [string, Json])[] = [
  ['bearer', { credential: { kind: 'bearer', token: canary } }],
  ['api_key', { credential: { kind: 'api_key', key: canary } }],
  ['api_key in a header of its own', { credential: { kind: 'api_key', key: canary, header: 'X-Own-Key' } }],
  ['basic', { credential: { kind: 'basic', username: 'user', password: canary } }],
  ['a static header', { headers: { 'X-Static': canary } }],
]

/** Everything that anybody but the server itself can see of it. */
class Seen {
  readonly #texts: string[] = []

  answer({ status, headers, text }: RawAnswer): void {
    this.#texts.push(JSON.stringify([status, headers, text]))
  }

  text(text: string): void {
    this.#texts.push(text)
  }

  async gateway(gateway: RawGateway): Promise<void> {
    this.#texts.push(
      JSON.stringify(await gateway.audit()),
      JSON.stringify(gateway.troubles),
      gateway.defects.map(String).join(),
    )
  }

  expectNone(secrets: readonly string[]): void {
    const text = this.#texts.join('\n')
    assert.ok(text.length > 100, 'something was seen')
    for (const secret of secrets) assert.ok(!text.includes(secret), `${secret} was seen`)
  }
}

/** Says back all that it was sent, wherever a word of a server could leave by. */
const echoing =
  (status: number): Handler =>
  (x) => {
    const secrets = JSON.stringify(x.req.headers)
    const oneLine = secrets.replaceAll(/[^\x20-\x7e]/g, '')
    x.res.writeHead(status, `Refused ${canary}`, {
      'content-type': 'text/plain',
      'www-authenticate': `Bearer realm="${canary}", error_description="${canary}"`,
      'set-cookie': `session=${canary}; Path=/`,
      location: `http://127.0.0.1:1/?key=${canary}`,
      'x-debug': oneLine,
      server: canary,
      'mcp-session-id': canary,
    })
    x.res.end(`you sent ${secrets}`)
  }

const garbage: readonly (readonly [string, Handler])[] = [
  ['in broken HTTP', (x) => void x.res.socket?.end(`HTTP/1.1 200 OK\r\n${canary} ${canary}\r\n\r\n`)],
  ['in broken JSON', (x) => x.json(`{"${canary}`)],
  ['in JSON that is no response', (x) => x.json({ secret: canary })],
  ['in an event that is no JSON', (x) => void (x.events(`data: ${canary}\n\n`), x.res.end())],
  ['in a page', ({ res }) => void res.writeHead(200, { 'content-type': 'text/html' }).end(`<p>${canary}</p>`)],
  ['as a content type', ({ res }) => void res.writeHead(200, { 'content-type': canary }).end('{}')],
]

async function callEverywhere(gateway: RawGateway, seen: Seen): Promise<void> {
  const paths = ['/one/mcp', '/mcp']
  for (const path of paths) {
    const tool = path === '/mcp' ? 'one__echo' : 'echo'
    const modern = openModern(gateway, { path })
    seen.answer(await post(gateway, initialize(), { path }))
    seen.answer(await modern.post('server/discover'))
    seen.answer(await modern.post('tools/list'))
    seen.answer(await modern.post('tools/call', { name: tool }))
    const client = await openLegacy(gateway, { path }).catch(() => null)
    if (!client) continue
    seen.answer(await client.post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool } }))
    seen.answer(await client.post({ jsonrpc: '2.0', id: 2, method: 'tools/list' }))
  }
  seen.text(gateway.engine.registry.upstreams.map(({ diagnosis, state }) => JSON.stringify([diagnosis, state])).join())
}

const basic = Buffer.from(`user:${canary}`).toString('base64')

describe.for(credentials)('a credential (%s)', ([, options]) => {
  const start = async (
    script: UpstreamScript,
  ): Promise<{ upstream: RawUpstream; gateway: RawGateway } & AsyncDisposable> => {
    const upstream = await rawUpstream(script)
    const gateway = await startRawGateway({ servers: [toServer('one', upstream, { timeoutMs: 500, ...options })] })
    return {
      upstream,
      gateway,
      async [Symbol.asyncDispose]() {
        await gateway[Symbol.asyncDispose]()
        await upstream[Symbol.asyncDispose]()
      },
    }
  }
  const everywhere = async (script: UpstreamScript): Promise<void> => {
    const seen = new Seen()
    await using house = await start(script)
    await callEverywhere(house.gateway, seen)
    await seen.gateway(house.gateway)
    const sent = house.upstream.seen.map(({ headers }) => JSON.stringify(headers)).join()
    assert.ok(sent.includes(canary) || sent.includes(basic), 'the server has got it')
    seen.expectNone([canary, basic])
  }

  it.for([301, 302, 307, 400, 401, 402, 403, 404, 405, 407, 409, 410, 418, 422, 429, 431, 500, 502, 503, 511])(
    'is in nothing that is said of a server that answers %s and says it back',
    async (status) => {
      await everywhere({ on: { '*': echoing(status) } })
      await everywhere({ era: 'modern', on: { 'tools/call': echoing(status) } })
      await everywhere({ on: { 'tools/call': echoing(status), GET: echoing(status) } })
      expect.assertions(0)
    },
  )

  it.for(garbage)('is in nothing that is said of a server that says it back %s', async ([, handler]) => {
    await everywhere({ on: { '*': handler } })
    await everywhere({ on: { 'tools/call': handler } })
    await everywhere({ era: 'modern', on: { 'tools/call': handler } })
    expect.assertions(0)
  })
})

describe('what passes between a caller and a server', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const headers = {
    cookie: 'session=of-the-caller',
    'x-api-key': 'key-of-the-caller',
    'proxy-authorization': 'Basic b2YtdGhlLWNhbGxlcg==',
    'x-forwarded-for': '10.1.2.3',
    forwarded: 'for=10.1.2.3',
    'x-real-ip': '10.1.2.3',
    'user-agent': 'agent-of-the-caller',
    referer: 'http://localhost/of-the-caller',
    origin: 'http://localhost:3000',
    'x-custom': 'custom-of-the-caller',
    'last-event-id': '7_7',
    te: 'trailers',
    traceparent,
    tracestate: 'a=b',
    baggage: 'c=d',
  }
  const isOfTheCaller = /of-the-caller|10\.1\.2\.3|localhost:3000|b2YtdGhlLWNhbGxlcg|7_7/

  it.for(['legacy', 'modern'] as const)('to a %s server: trace context, and nothing else', async (era) => {
    await using upstream = await rawUpstream({ era })
    await using gateway = await startRawGateway({ servers: [toServer('one', upstream)] })
    const client = await openLegacy(gateway, { path: '/one/mcp' })
    await client.post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo' } }, headers)
    await openModern(gateway, { path: '/one/mcp' }).post('tools/call', { name: 'echo' }, { headers })
    const peer = await openWebSocket(gateway, { path: '/one/mcp/ws' })
    peer.close()
    const sent = upstream.seen.map(({ headers: got, text }) => JSON.stringify([got, text]))
    for (const text of sent) {
      expect(text).not.toMatch(isOfTheCaller)
      expect(text).not.toContain(rawToken('a'))
    }
    const calls = upstream.calls('echo')
    expect(calls.length).toBe(2)
    for (const call of calls) expect(call.headers).toMatchObject({ traceparent, tracestate: 'a=b', baggage: 'c=d' })
  })

  it.for(['legacy', 'modern'] as const)('from a %s server: the answer, and none of its headers', async (era) => {
    const extra = {
      'set-cookie': 'a=of-the-server',
      'www-authenticate': 'Bearer realm="of-the-server"',
      'x-custom': 'of-the-server',
      server: 'of-the-server',
      'access-control-allow-origin': '*',
      'mcp-session-id': 'of-the-server',
      'cache-control': 'public, max-age=99',
    }
    const result = { content: [{ type: 'text', text: 'ok' }], resultType: 'complete' }
    await using upstream = await rawUpstream({ era, calls: { mine: (x) => x.result(result, extra) } })
    await using gateway = await startRawGateway({ servers: [toServer('one', upstream)] })
    const client = await openLegacy(gateway, { path: '/one/mcp' })
    const answers = [
      await client.post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'mine' } }),
      await openModern(gateway, { path: '/one/mcp' }).post('tools/call', { name: 'mine' }),
    ]
    for (const answer of answers) {
      expect(answer.text).toContain('"ok"')
      expect(JSON.stringify(answer.headers)).not.toMatch(/of-the-server|max-age|\*/)
    }
  })
})
