import { setTimeout as delay } from 'node:timers/promises'
import { createServer, type ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { initialize, modern, request, startBridge, type Message } from '#test/support/cli/bridge-client.ts'
import { listenOnLoopback } from '#test/conformance/loopback-server.ts'
import { textResult } from '#test/support/raw/exchange.ts'
import { startRawUpstream, type RawUpstream } from '#test/support/raw/http-upstream.ts'
import { until } from '#test/support/until.ts'

let gateway: RawUpstream

beforeEach(async () => {
  gateway = await startRawUpstream(['legacy', 'modern'])
})

afterEach(() => gateway[Symbol.asyncDispose]())

/** A gateway that answers each request as the test says. */
async function startScripted(answer: (body: Message, res: ServerResponse, headers: Message) => void) {
  const server = createServer((req, res) => {
    let text = ''
    req.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    req.on('end', () => answer(text === '' ? {} : JSON.parse(text), res, { ...req.headers, method: req.method }))
  })
  return listenOnLoopback(server, { port: 0, path: '/mcp' })
}

const events = { 'content-type': 'text/event-stream' }
const json = { 'content-type': 'application/json' }

describe('the bridge on its standard streams', () => {
  it.each([
    ['{ not json', -32700],
    ['17', -32600],
    ['{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600],
    ['[]', -32600],
  ])('answers %s without asking the gateway', async (line, code) => {
    await using client = startBridge(gateway.url)
    client.say(line)
    expect(await client.next()).toMatchObject({ error: { code } })
    client.end()
    expect(await client.ended).toBe('eof')
    expect(gateway.seen).toEqual([])
  })

  it('ends at its client`s end, after everything that was asked has been answered', async () => {
    const gate = Promise.withResolvers<void>()
    gateway.handlers['tools/call'] = async () => {
      await gate.promise
      return textResult('late')
    }
    await using client = startBridge(gateway.url)
    await initialize(client)
    client.say(request(1, 'tools/call', { name: 'echo' }))
    client.say(modern(2, 'tools/call', { name: 'echo' }))
    client.end()
    await until('both are under way', () => gateway.count('tools/call') === 2)
    gate.resolve()
    expect(await client.ended).toBe('eof')
    expect(client.heard.map(({ id }) => id)).toEqual(expect.arrayContaining([1, 2]))
  })

  it('ends at once when it is told to', async () => {
    gateway.handlers['tools/call'] = ({ cancelled }) => cancelled.then(() => ({}))
    await using client = startBridge(gateway.url)
    await initialize(client)
    client.say(request(1, 'tools/call', { name: 'echo' }))
    await until('it is under way', () => gateway.count('tools/call') === 1)
    client.stop()
    expect(await client.ended).toBe('stopped')
  })

  it('ends at a line that is longer than a message may be', async () => {
    await using client = startBridge(gateway.url, { messageBytesMax: 1_000 })
    client.say(request(1, 'ping', { long: 'x'.repeat(2_000) }))
    expect(await client.ended).toBe('line_too_long')
  })

  it('refuses an answer that is larger than a message may be', async () => {
    gateway.handlers['tools/call'] = () => textResult('x'.repeat(2_000))
    await using client = startBridge(gateway.url, { messageBytesMax: 1_000 })
    client.say(modern(1, 'tools/call', { name: 'echo' }))
    expect(await client.answerTo(1)).toMatchObject({ error: { data: { reason: 'its answer is too large' } } })
  })

  it('waits for a client that does not read, and loses nothing', async () => {
    const notes = 3_000
    await using busy = await startScripted((body, res) => {
      res.writeHead(200, events)
      for (let index = 0; index < notes; index++) {
        const params = { progressToken: 1, progress: index, message: 'x'.repeat(1_000) }
        res.write(`data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params })}\n\n`)
      }
      res.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id: body['id'], result: {} })}\n\n`)
    })
    await using client = startBridge(busy.url)
    client.pause()
    client.say(request(1, 'ping'))
    await until('the backlog grows', () => client.backlogBytes() > 30_000)
    await delay(100)
    expect(client.backlogBytes()).toBeLessThan(500_000)
    client.resume()
    await client.answerTo(1)
    expect(client.heard).toHaveLength(notes + 1)
    expect(client.heard.slice(0, -1).map(({ params }) => (params as Message)['progress'])).toEqual(
      Array.from({ length: notes }, (_, index) => index),
    )
  })

  it('takes a stream up again where it was cut, as often as the gateway cuts it', async () => {
    let resumes = 0
    await using cutting = await startScripted((body, res, headers) => {
      res.writeHead(200, events)
      const answer = { jsonrpc: '2.0', id: 1, result: { last: headers['last-event-id'], body } }
      if (resumes === 0) res.end('id: a_0\nretry: 1\ndata: \n\n')
      else if (resumes < 12) res.end(`id: a_${resumes}\ndata: \n\n`)
      else res.end(`data: ${JSON.stringify(answer)}\n\n`)
      resumes++
    })
    await using client = startBridge(cutting.url)
    client.say(request(1, 'tools/call', { name: 'slow' }))
    expect(await client.answerTo(1)).toMatchObject({ result: { last: 'a_11' } })
  })

  it('tells the client where a stream was cut that cannot be taken up again', async () => {
    await using cutting = await startScripted((_body, res) => void res.writeHead(200, events).end(': nothing\n\n'))
    await using client = startBridge(cutting.url)
    client.say(request(1, 'ping'))
    expect(await client.answerTo(1)).toMatchObject({
      error: { data: { reason: 'the stream ended before the answer' } },
    })
  })

  type Odd = { status: number; text: string; error: Message }
  it.each<[string, Odd]>([
    ['a redirect', { status: 307, text: '', error: { data: { reason: 'it redirects (HTTP 307)' } } }],
    [
      'a proxy`s page',
      { status: 502, text: '<h1>Bad Gateway</h1>', error: { data: { reason: 'it answered with HTTP 502' } } },
    ],
    ['an empty success', { status: 200, text: '', error: { data: { reason: 'its answer holds no response' } } }],
    ['something else', { status: 200, text: '{"a":1}', error: { data: { reason: 'its answer holds no response' } } }],
    [
      'a refused token',
      {
        status: 401,
        text: '{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"No."}}',
        error: { code: -32001 },
      },
    ],
  ])('says in its own words, or the gateway`s, that it met %s', async (_what, { status, text, error }) => {
    await using odd = await startScripted((_body, res) => void res.writeHead(status, json).end(text))
    await using client = startBridge(odd.url)
    client.say(request(1, 'tools/list'))
    client.say(modern(2, 'tools/list'))
    expect(await client.answerTo(1)).toMatchObject({ error })
    expect(await client.answerTo(2)).toMatchObject({ error })
    expect(JSON.stringify(client.heard)).not.toContain('Bad Gateway')
  })
})
