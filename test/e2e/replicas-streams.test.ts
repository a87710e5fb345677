/** An event stream that one replica has written, taken up again (`Last-Event-ID`) on the other one. */
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { bearer, codeOf, openLegacy, post, type LegacyClient } from '../support/raw-client.ts'
import type { RawGateway } from '../support/raw-gateway.ts'
import { exchange, openEvents, type Json, type RawEvents } from '../support/raw-http.ts'
import { rawUpstream, toServer, type RawUpstream } from '../support/raw-upstream.ts'
import { describeReplicas, openLosablePair } from '../support/replica-pairs.ts'
import { describeWithRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

const patience = { timeoutMs: 10_000 }
const path = '/one/mcp'

let upstream: RawUpstream
/** What a call of `wait` waits for. */
let finish: ((text: string) => void)[]
/** Progress of the call that waits. */
let progress: (() => void)[]

beforeEach(async () => {
  ;[finish, progress] = [[], []]
  const ask = { message: 'who?', requestedSchema: {} }
  upstream = await rawUpstream({
    calls: {
      wait: (x) => {
        const progressToken = x.message['params']?._meta?.progressToken
        const say = (n: number) =>
          x.event({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress: n } })
        let said = 0
        say(++said)
        progress.push(() => void say(++said))
        finish.push((text) => x.finish({ content: [{ type: 'text', text }] }))
      },
      ask: (x) => {
        x.event({ jsonrpc: '2.0', id: 'q', method: 'elicitation/create', params: ask })
        finish.push((text) => x.finish({ content: [{ type: 'text', text }] }))
      },
    },
    on: {
      POST: (x) => {
        if (x.message['id'] === 'q') finish[0]?.(JSON.stringify(x.message['result']))
        x.res.writeHead(202).end()
      },
    },
  })
})
afterEach(() => upstream[Symbol.asyncDispose]())

const options = () => ({ servers: [toServer('one', upstream)] })

const begin = (at: RawGateway, client: LegacyClient, name = 'wait'): Promise<RawEvents> =>
  openEvents(at.url + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...client.headers,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 'mine',
      method: 'tools/call',
      params: { name, arguments: {}, _meta: { progressToken: 'p' } },
    }),
  })
const isProgress =
  (n: number) =>
  ({ params }: Json): boolean =>
    params?.progress === n
const isAnswer = ({ id, method }: Json): boolean => id === 'mine' && method === undefined
/** The last one that was seen. */
const lastIdOf = (stream: RawEvents): string => stream.all.findLast(({ id }) => id !== '')?.id ?? ''
const listen = (at: RawGateway, client: LegacyClient, headers: Record<string, string> = {}): Promise<RawEvents> =>
  openEvents(at.url + path, { headers: { accept: 'text/event-stream', ...client.headers, ...headers } })
const resume = (at: RawGateway, client: LegacyClient, eventId: string): Promise<RawEvents> =>
  listen(at, client, { 'last-event-id': eventId })

/** A call that has said one thing, and whose connection is gone. */
async function lose(at: RawGateway, client: LegacyClient): Promise<string> {
  const stream = await begin(at, client)
  await stream.message(isProgress(1))
  stream.close()
  await stream.ended
  return lastIdOf(stream)
}

describeReplicas('the stream of a call', options, (pair) => {
  const open = () => openLegacy(pair().a, { path, capabilities: { elicitation: {} } })

  it('is told to its end on the other replica: what was missed, and what is still to come', async () => {
    const { a, b } = pair()
    const client = await open()
    const id = await lose(a, client)
    progress[0]?.()
    const again = await resume(b, client, id)
    expect([again.status, again.headers['mcp-session-id']]).toEqual([200, client.id])
    await again.message(isProgress(2))
    progress[0]?.()
    await again.message(isProgress(3))
    finish[0]?.('done')
    expect(await again.message(isAnswer)).toMatchObject({ result: { content: [{ text: 'done' }] } })
    await again.ended
    // Nothing twice, and all in order.
    const told = again.all.filter(({ data }) => data !== '').map(({ data }) => JSON.parse(data).params?.progress)
    expect(told).toEqual([2, 3, undefined])
    await until('nothing is left', () => a.engine.asks.size + b.engine.asks.size === 0, patience)
  })

  it('is told when it has ended long since, as often as it is asked for', async () => {
    const { a, b } = pair()
    const client = await open()
    const id = await lose(a, client)
    finish[0]?.('x'.repeat(600_000))
    await until('it has ended', () => a.engine.counts.callsUnderWay === 0, patience)
    for (const at of [b, a, b]) {
      const again = await resume(at, client, id)
      expect(await again.message(isAnswer)).toMatchObject({ result: { content: [{ text: 'x'.repeat(600_000) }] } })
      await again.ended
    }
  })

  it('may be lost again, and taken up on either', async () => {
    const { a, b } = pair()
    const client = await open()
    const first = await resume(b, client, await lose(a, client))
    progress[0]?.()
    await first.message(isProgress(2))
    first.close()
    await until('it is let go', () => a.engine.asks.size === 0, patience)
    progress[0]?.()
    const second = await resume(b, client, lastIdOf(first))
    await second.message(isProgress(3))
    expect(second.text()).not.toContain('"progress":2')
    // The newest takes it from the one before.
    const third = await resume(a, client, lastIdOf(second))
    await second.ended
    finish[0]?.('done')
    expect(await third.message(isAnswer)).toBeDefined()
    expect(upstream.count('notifications/cancelled')).toBe(0)
  })

  it('has its questions answered through either', async () => {
    const { a, b } = pair()
    const client = await open()
    const stream = await begin(a, client, 'ask')
    await stream.message(({ method }) => method === 'elicitation/create')
    stream.close()
    const again = await resume(b, client, lastIdOf(stream).replace(/^1_\d+/, '1_0'))
    const question = await again.message(({ method }) => method === 'elicitation/create')
    const answer = { jsonrpc: '2.0', id: question['id'], result: { action: 'decline' } }
    expect((await post(b, answer, { path, headers: client.headers })).status).toBe(202)
    expect(JSON.stringify(await again.message(isAnswer))).toContain('decline')
  })

  it('is nobody else’s, nor another session’s', async () => {
    const { a, b } = pair()
    const client = await open()
    const id = await lose(a, client)
    finish[0]?.('secret')
    const thief = await openLegacy(b, { path, token: 'b' })
    const sibling = await openLegacy(b, { path })
    for (const other of [thief, sibling]) {
      const stolen = await resume(b, other, id)
      await stolen.ended
      expect([stolen.status, stolen.text()]).toEqual([410, expect.stringContaining('event_unknown')])
    }
    const mixed = await listen(b, client, { ...bearer('b'), 'last-event-id': id })
    expect(mixed.status).toBe(404)
    expect(await (await resume(b, client, id)).message(isAnswer)).toBeDefined()
  })

  it('is named as gone where its replica has gone, and takes no other stream with it', async () => {
    const { a, b } = pair()
    const client = await open()
    const id = await lose(a, client)
    const standing = await listen(b, client)
    await standing.find(({ id: event }) => event !== '')
    await a.engine.close()
    const asked = { headers: { accept: 'text/event-stream', ...client.headers, 'last-event-id': id } }
    const answer = await exchange(b.url + path, asked)
    expect([answer.status, codeOf(answer)]).toEqual([410, 'event_unknown'])
    expect([...b.engine.sessions].find((one) => one.id === client.id)?.isHeardHere).toBe(true)
    standing.close()
  })

  it('breaks where its replica goes in its midst', async () => {
    const { a, b } = pair()
    const client = await open()
    const again = await resume(b, client, await lose(a, client))
    progress[0]?.()
    await again.message(isProgress(2))
    await a.http.close(0)
    await a.engine.close()
    await again.ended
    expect(again.text()).not.toContain('"result"')
  })
})

describeReplicas('the stream of what belongs to no request', options, (pair) => {
  const change = (at: RawGateway, client: LegacyClient, kind: 'tools' | 'prompts'): void =>
    [...at.engine.sessions].find(({ id }) => id === client.id)?.listChanged('one', kind)
  const isChange = (kind: string) => (message: Json) => message['method'] === `notifications/${kind}/list_changed`

  it('goes on with the other replica, after what was missed', async () => {
    const { a, b } = pair()
    const client = await openLegacy(a, { path })
    const first = await listen(a, client)
    await first.find(({ id }) => id !== '')
    const seen = lastIdOf(first)
    change(a, client, 'prompts')
    await first.message(isChange('prompts'))
    first.close()
    // As one that has not seen the last event.
    const second = await resume(b, client, seen)
    await second.message(isChange('prompts'))
    await second.find(({ id }) => id.startsWith('s1_0@') && !seen.endsWith(id.slice(id.indexOf('@'))))
    change(b, client, 'tools')
    await second.message(isChange('tools'))
    // And so has the one that it was, whose own connections say it there.
    await until(
      'it hears the first as well',
      async () => {
        change(a, client, 'prompts')
        await delay(20)
        return second.text().split('prompts/list_changed').length > 2
      },
      patience,
    )
    const third = await resume(b, client, lastIdOf(second))
    await third.find(({ id }) => id !== '')
    expect(lastIdOf(third).split('@')[1]).toBe(lastIdOf(second).split('@')[1])
    second.close()
    third.close()
  })

  it('is a new one where the first replica has gone', async () => {
    const { a, b } = pair()
    const client = await openLegacy(a, { path })
    const first = await listen(a, client)
    await first.find(({ id }) => id !== '')
    await a.http.close(0)
    await a.engine.close()
    const second = await resume(b, client, lastIdOf(first))
    await second.find(({ id }) => id.startsWith('s1_0@'))
    change(b, client, 'tools')
    expect(await second.message(isChange('tools'))).toBeDefined()
    second.close()
  })
})

describeWithRedis('a stream, and a Redis that is away', () => {
  it('is refused for the time being, and told afterwards', { timeout: 40_000 }, async () => {
    await using opened = new AsyncDisposableStack()
    const { redis, a, b } = await openLosablePair(opened, options())
    const client = await openLegacy(a, { path })
    const id = await lose(a, client)
    await (await listen(b, client)).find(({ id: event }) => event !== '')
    await redis.kill()
    const asked = { headers: { accept: 'text/event-stream', ...client.headers, 'last-event-id': id } }
    const refused = await exchange(b.url + path, asked)
    expect([refused.status, codeOf(refused)]).toEqual([503, 'storage_unavailable'])
    finish[0]?.('done')
    await redis.start()
    const found = await untilResumed(() => resume(b, client, id))
    expect(await found.message(isAnswer)).toMatchObject({ result: { content: [{ text: 'done' }] } })
  })
})

async function untilResumed(attempt: () => Promise<RawEvents>): Promise<RawEvents> {
  let stream = await attempt()
  await until(
    'it is told again',
    async () => {
      if (stream.status !== 503) return true
      stream = await attempt()
      return stream.status !== 503
    },
    { timeoutMs: 20_000, pollMs: 100 },
  )
  return stream
}
