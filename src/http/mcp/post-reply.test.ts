import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import { toRawAnswer } from '#gateway/upstream/answer.ts'
import { exchange, openEvents } from '#test/support/raw-http.ts'
import { EventStreams } from './event-streams.ts'
import { PostReply, type PostReplyOptions } from './post-reply.ts'

const server = createServer()
let url: string
let streams: EventStreams

beforeEach(async () => {
  streams = new EventStreams()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
})

afterEach(async () => {
  server.removeAllListeners('request')
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

type Play = (reply: PostReply, res: ServerResponse) => void

function answerWith(play: Play, more: Partial<PostReplyOptions> = {}): void {
  server.on('request', (_req, res: ServerResponse) => {
    const options = {
      res,
      era: 'legacy' as const,
      id: 'c-1',
      session: null,
      streams: null,
      requestId: 'req_1',
      ...more,
    }
    play(new PostReply(options, 0), res)
  })
}

async function answered(play: Play, more: Partial<PostReplyOptions> = {}) {
  answerWith(play, more)
  return exchange(url)
}

const progress = { jsonrpc: '2.0' as const, method: 'notifications/progress', params: { progress: 1 } }
const prettyBody = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 7, result: { text: 'Grüße' } }, null, 2))

function pretty() {
  const answer = toRawAnswer(prettyBody, { upstream: '7', caller: '"c-1"' })
  if (!answer) throw new Error('the shape is not known')
  return answer
}

const events = (text: string): unknown[] =>
  text.split('\n').flatMap((line) => (line.startsWith('data: {') ? [JSON.parse(line.slice(6))] : []))

describe('an answer', () => {
  it('is JSON of its length where nothing was said before it', async () => {
    const { status, headers, text } = await answered((reply) => reply.finish({ result: { text: 'Grüße' } }))
    expect([status, headers['content-type'], text]).toEqual([
      200,
      'application/json',
      '{"jsonrpc":"2.0","id":"c-1","result":{"text":"Grüße"}}',
    ])
    expect(headers['content-length']).toBe(String(Buffer.byteLength(text)))
  })

  it('says how long its connection can be used again', async () => {
    const { headers } = await answered((reply) => reply.finish({ result: {} }))
    expect(headers['keep-alive']).toBe('timeout=65')
  })

  it('is the upstream’s own bytes where these can be had', async () => {
    const { headers, text } = await answered((reply) => reply.finish(pretty()))
    expect(text).toBe(prettyBody.toString().replace('7', '"c-1"'))
    expect(headers['content-length']).toBe(String(Buffer.byteLength(text)))
  })

  it('is a prepared result under the request’s own id', async () => {
    const { headers, text } = await answered((reply) =>
      reply.finish({ prepared: Buffer.from('{"tools":["ü"]}'), ending: 'ok' }),
    )
    expect(text).toBe('{"jsonrpc":"2.0","id":"c-1","result":{"tools":["ü"]}}')
    expect(headers['content-length']).toBe(String(Buffer.byteLength(text)))
  })

  it('is the last event where something was said before it, in one line however it was laid out', async () => {
    const { headers, text } = await answered((reply) => {
      reply.notify(progress)
      reply.finish(pretty())
    })
    expect(headers['content-type']).toBe('text/event-stream')
    expect(events(text)).toEqual([progress, { jsonrpc: '2.0', id: 'c-1', result: { text: 'Grüße' } }])
  })

  it.each([
    ['legacy', -32_601, 200],
    ['modern', -32_601, 404],
    ['modern', -32_020, 400],
    ['modern', -32_602, 200],
  ] as const)('with an error of the upstream’s has the status of its era: %s %i %i', async (era, code, expected) => {
    const { status } = await answered((reply) => reply.finish({ error: { code, message: 'no' } }), { era })
    expect(status).toBe(expected)
  })
})

describe('a failure', () => {
  it('says the catalogue’s words, and the id to find it by', async () => {
    const { status, text } = await answered((reply) => reply.fail(new GatewayError('upstream_timeout')))
    expect(status).toBe(200)
    expect(JSON.parse(text)).toMatchObject({
      id: 'c-1',
      error: { code: -32_008, data: { code: 'upstream_timeout', retryable: true, requestId: 'req_1' } },
    })
  })

  it('is an event where something was said before it', async () => {
    const { text } = await answered((reply) => {
      reply.notify(progress)
      reply.fail(new GatewayError('upstream_closed'))
    })
    expect(events(text).at(-1)).toMatchObject({ id: 'c-1', error: { data: { code: 'upstream_closed' } } })
  })

  it('cuts an answer that is on its way: a part is not to be taken for the whole', async () => {
    const failure = answered((reply, res) => {
      reply.start('application/json')
      res.write('{"jsonrpc":', () => reply.fail(new GatewayError('upstream_closed')))
    })
    await expect(failure).rejects.toThrow('aborted')
  })
})

describe('a long silence', () => {
  it('becomes a stream that is kept alive, and the answer its event', async () => {
    const { headers, text } = await answered((reply) => {
      reply.keepAlive()
      reply.waiting()
      reply.finish({ result: {} })
    })
    expect(headers['content-type']).toBe('text/event-stream')
    expect(text).toMatch(/^: keep-alive\n\n: keep-alive\n\nevent: message\n/)
  })

  it('leaves room for no bytes of another kind', async () => {
    const seen: boolean[] = []
    await answered((reply) => {
      seen.push(reply.canStart)
      reply.keepAlive()
      seen.push(reply.canStart)
      reply.finish({ result: {} })
    })
    expect(seen).toEqual([true, false])
  })
})

describe('bytes that go straight through', () => {
  it('are the answer, and nothing is said between them', async () => {
    const { headers, text } = await answered((reply) => {
      reply.start('application/json')
      reply.keepAlive()
      reply.write(Buffer.from('{"a":'))
      reply.write('1}')
      reply.end()
      reply.finish({ streamed: true, ending: 'ok' })
    })
    expect([headers['content-type'], text]).toEqual(['application/json', '{"a":1}'])
  })
})

describe('a stream of a session', () => {
  it('begins with an id to resume from, and can be taken up again', async () => {
    const { text } = await answered(
      (reply) => {
        expect(reply.isResumable).toBe(false)
        reply.notify(progress)
        expect(reply.isResumable).toBe(true)
        reply.finish({ result: {} })
      },
      { streams },
    )
    expect(text.match(/^id: .*$/gm)).toEqual(['id: 1_0', 'id: 1_1', 'id: 1_2'])
    const replayed: string[] = []
    streams.find('1_1')?.stream.resume(1, { write: (event) => void replayed.push(event), end: () => undefined })
    expect(replayed.at(-1)).toContain('"result"')
  })

  it('keeps the answer for a client that has lost the connection', async () => {
    let own: PostReply | undefined
    const closed = Promise.withResolvers<void>()
    answerWith(
      (reply, res) => {
        own = reply
        res.once('close', () => closed.resolve())
        reply.notify(progress)
      },
      { streams },
    )
    const stream = await openEvents(url)
    await stream.find(({ id }) => id === '1_1')
    stream.close()
    await closed.promise
    own?.finish({ result: { late: true } })
    const replayed: string[] = []
    streams.find('1_1')?.stream.resume(1, { write: (event) => void replayed.push(event), end: () => undefined })
    expect(replayed.at(-1)).toContain('"late":true')
  })
})
