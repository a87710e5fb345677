/** A call that waits on one replica for its client's answer, which comes to the other one. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createOwnState } from '#compose/shared-state.ts'
import {
  bearer,
  both,
  codeOf,
  modernHeaders,
  modernMessage,
  openModern,
  type ModernClient,
} from '../support/raw-client.ts'
import { startRawGateway, type RawGateway } from '../support/raw-gateway.ts'
import type { Json } from '../support/raw-http.ts'
import { rawUpstream, toServer, type RawUpstream } from '../support/raw-upstream.ts'
import { describeReplicas, openLosablePair } from '../support/replica-pairs.ts'
import { describeWithRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

const patience = { timeoutMs: 10_000 }
const able = { elicitation: {} }
const accept = (content: Json): Json => ({ action: 'accept', content })

let legacy: RawUpstream
let modern: RawUpstream

/** What it was answered, it says; `ask-large` says a lot more. */
async function askingUpstream(): Promise<RawUpstream> {
  const asked = new Map<unknown, (content: Json) => void>()
  const ask = async (x: Parameters<NonNullable<RawUpstream['script']['calls']>[string]>[0], message: string) => {
    const id = `q${asked.size + 1}`
    const content = new Promise<Json>((resolve) => asked.set(id, resolve))
    x.event({ jsonrpc: '2.0', id, method: 'elicitation/create', params: { message, requestedSchema: {} } })
    return content
  }
  return rawUpstream({
    calls: {
      ask: async (x) => {
        const { by } = await ask(x, 'who?')
        const progressToken = x.message['params']?.['_meta']?.progressToken
        x.event({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress: 1 } })
        x.finish({ content: [{ type: 'text', text: String(by) }] })
      },
      'ask-twice': async (x) => {
        const [first, second] = [await ask(x, 'first?'), await ask(x, 'second?')]
        x.finish({ content: [{ type: 'text', text: `${first['by']} ${second['by']}` }] })
      },
      'ask-large': async (x) => {
        const { by } = await ask(x, 'who?')
        x.finish({ content: [{ type: 'text', text: String(by).repeat(2_000_000) }] })
      },
      'ask-hang': async (x) => {
        await ask(x, 'who?')
      },
      'ask-fail': async (x) => {
        await ask(x, 'who?')
        x.event({ jsonrpc: '2.0', id: x.message['id'], error: { code: -32_000, message: 'no' } })
        x.res.end()
      },
    },
    on: {
      POST: (x) => {
        asked.get(x.message['id'])?.(x.message['result']?.content ?? {})
        x.res.writeHead(202).end()
      },
    },
  })
}

/** Its state is its own, and comes back to it. */
const statefulUpstream = (): Promise<RawUpstream> =>
  rawUpstream({
    era: 'modern',
    calls: {
      ask: (x) => {
        const { requestState, inputResponses } = x.message['params'] ?? {}
        if (requestState !== undefined) return x.text(`${requestState} ${inputResponses?.q?.content?.by}`)
        const params = { mode: 'form', message: 'who?', requestedSchema: {} }
        const inputRequests = { q: { method: 'elicitation/create', params } }
        x.result({ resultType: 'input_required', inputRequests, requestState: 'the state of the server' })
      },
    },
  })

const servers = () => [toServer('one', legacy), toServer('next', modern)]
const client = (at: RawGateway, token = 'a', path = '/one/mcp'): ModernClient =>
  openModern(at, { token, path, capabilities: able })

const begin = async (at: RawGateway, name = 'ask', path = '/one/mcp'): Promise<string> => {
  const { result } = await client(at, 'a', path).request('tools/call', { name, arguments: {} })
  expect(result).toMatchObject({ resultType: 'input_required', requestState: expect.any(String) })
  return result.requestState
}
type Said = { by?: string; key?: string }
const answering = (requestState: string, name = 'ask', { by = 'client', key = 'q1' }: Said = {}): Json => ({
  name,
  arguments: {},
  requestState,
  inputResponses: { [key]: accept({ by }) },
})
const textOf = (answer: Json): unknown => answer['result']?.content?.[0]?.text

beforeEach(async () => {
  legacy = await askingUpstream()
  modern = await statefulUpstream()
})
afterEach(async () => {
  await Promise.all([legacy[Symbol.asyncDispose](), modern[Symbol.asyncDispose]()])
})

describeReplicas(
  'a call that waits for its client',
  () => ({
    servers: servers(),
    limits: { parkedCallMs: 5_000 },
    policies: [{ name: 'looking', default: 'read' }],
    tokens: { a: ['everything'], b: ['everything'], c: ['looking'] },
  }),
  (pair) => {
    it('goes on with an answer that comes to the other replica', async () => {
      const { a, b } = pair()
      const state = await begin(a)
      const answer = await client(b).request('tools/call', answering(state))
      expect(answer['result']).toMatchObject({ resultType: 'complete', content: [{ type: 'text', text: 'client' }] })
      expect(legacy.calls('ask')).toHaveLength(1)
      expect([a.engine.counts.parkedCalls, b.engine.counts.parkedCalls]).toEqual([0, 0])
      const [said] = await b.audit()
      expect(said).toMatchObject({ method: 'tools/call', server: 'one', target: 'ask', outcome: 'ok' })
    })

    it('asks again there, and its progress is heard there', async () => {
      const { a, b } = pair()
      const state = await begin(a, 'ask-twice', '/one/mcp')
      const again = await client(b).request('tools/call', answering(state, 'ask-twice', { by: 'one' }))
      expect(again['result']).toMatchObject({
        resultType: 'input_required',
        inputRequests: { q2: { params: { message: 'second?' } } },
      })
      const { requestState } = again['result']
      expect(
        textOf(await client(a).request('tools/call', answering(requestState, 'ask-twice', { by: 'two', key: 'q2' }))),
      ).toBe('one two')
      const _meta = { progressToken: 'mine' }
      const { result } = await client(a).request('tools/call', { name: 'ask', arguments: {}, _meta })
      const events = await client(b).stream('tools/call', { ...answering(result.requestState), _meta })
      expect(await events.message(({ method }) => method === 'notifications/progress')).toMatchObject({
        params: { progressToken: 'mine', progress: 1 },
      })
    })

    it('keeps what is unanswered open, under the same state', async () => {
      const { a, b } = pair()
      const state = await begin(a)
      const empty = await client(b).request('tools/call', { name: 'ask', arguments: {}, requestState: state })
      expect(empty['result']).toMatchObject({ resultType: 'input_required', requestState: state })
      expect(textOf(await client(b).request('tools/call', answering(state)))).toBe('client')
    })

    it('is answered at an aggregate as well, with more than one message carries, and with a failure', async () => {
      const { a, b } = pair()
      const state = await begin(a, 'one__ask-large', '/mcp')
      const answer = await client(b, 'a', '/mcp').request('tools/call', answering(state, 'one__ask-large', { by: 'x' }))
      expect(String(textOf(answer))).toHaveLength(2_000_000)
      const failing = await begin(a, 'ask-fail')
      const failed = await client(b).request('tools/call', answering(failing, 'ask-fail'))
      expect(failed['error']).toMatchObject({ code: -32_000 })
    })

    it('is nobody else’s there, and no other call’s; all are told the same', async () => {
      const { a, b } = pair()
      const state = await begin(a)
      const attempts = [
        await client(b, 'b').post('tools/call', answering(state)),
        await client(b).post('tools/call', { ...answering(state), arguments: { other: 1 } }),
        await client(b).post('tools/call', answering(state, 'ask-twice')),
        await client(b, 'a', '/next/mcp').post('tools/call', answering(state)),
        await client(b).post('tools/call', answering(state.replace('prk_', 'prk-'))),
        await client(b).post('tools/call', answering(state.slice(state.indexOf('.') + 1))),
        await client(b).post('tools/call', answering(`${state.slice(0, -1)}~`)),
      ]
      const plain = attempts.map(({ status, text }) => {
        const { error } = JSON.parse(text)
        delete error.data.requestId
        return JSON.stringify({ status, error })
      })
      expect(new Set(plain).size).toBe(1)
      expect(plain[0]).toContain('request_state_invalid')
      expect(codeOf(await client(b, 'c').post('tools/call', answering(state)))).toBe('forbidden')
      expect(textOf(await client(b).request('tools/call', answering(state)))).toBe('client')
    })

    it('is over when its time is, and when it was answered', async () => {
      const { a, b } = pair()
      const state = await begin(a)
      await client(b).request('tools/call', answering(state))
      expect(codeOf(await client(b).post('tools/call', answering(state)))).toBe('request_state_invalid')
      const late = await begin(a)
      await until('its time is over', () => a.engine.counts.parkedCalls === 0, patience)
      expect(codeOf(await client(b).post('tools/call', answering(late)))).toBe('request_state_invalid')
    })

    it('is over with the replica that held it', async () => {
      const { a, b } = pair()
      const state = await begin(a)
      await a.engine.close()
      expect(codeOf(await client(b).post('tools/call', answering(state)))).toBe('request_state_invalid')
    })

    it('is given up when its client gives up', async () => {
      const { a, b } = pair()
      const state = await begin(a, 'ask-hang')
      const message = modernMessage('tools/call', answering(state, 'ask-hang'), { capabilities: able })
      const given = new AbortController()
      const request = fetch(`${b.url}/one/mcp`, {
        method: 'POST',
        headers: { ...both, ...bearer('a'), ...modernHeaders(message) },
        body: JSON.stringify(message),
        signal: given.signal,
      }).catch(() => null)
      await until('it goes on', () => a.engine.counts.parkedCalls === 0, patience)
      expect(a.engine.counts.callsUnderWay).toBe(1)
      given.abort()
      await request
      await until('nothing is under way', () => a.engine.counts.callsUnderWay === 0, patience)
      await until('the server is told', () => legacy.count('notifications/cancelled') === 1, patience)
    })

    it('of a modern server is any replica’s', async () => {
      const { a, b } = pair()
      const state = await begin(a, 'ask', '/next/mcp')
      expect(
        textOf(
          await client(b, 'a', '/next/mcp').request('tools/call', answering(state, 'ask', { by: 'me', key: 'q' })),
        ),
      ).toBe('the state of the server me')
      expect(
        codeOf(await client(b, 'b', '/next/mcp').post('tools/call', answering(state, 'ask', { by: 'me', key: 'q' }))),
      ).toBe('request_state_invalid')
    })
  },
)

describeWithRedis('a call that waits, and a Redis that is away', () => {
  it('is refused for the time being, and goes on afterwards', { timeout: 40_000 }, async () => {
    await using opened = new AsyncDisposableStack()
    const { redis, a, b } = await openLosablePair(opened, { servers: servers() })
    const state = await begin(a)
    await redis.kill()
    const refused = await client(b).post('tools/call', answering(state))
    expect(JSON.parse(refused.text)).toMatchObject({
      error: { data: { code: 'storage_unavailable', retryable: true } },
    })
    const own = await begin(a)
    expect(textOf(await client(a).request('tools/call', answering(own)))).toBe('client')
    await redis.start()
    await until(
      'it goes on',
      async () => {
        const answer = await client(b).request('tools/call', answering(state))
        assert.ok('result' in answer || codeOf(answer) === 'storage_unavailable')
        return textOf(answer) === 'client'
      },
      { timeoutMs: 15_000, pollMs: 50 },
    )
  })
})

describe('gateways that are strangers', () => {
  it('take nothing of each other’s', async () => {
    const state = createOwnState()
    await using a = await startRawGateway({ servers: servers(), shared: state })
    await using b = await startRawGateway({ servers: servers(), shared: state })
    const parked = await begin(a)
    expect(codeOf(await client(b).post('tools/call', answering(parked)))).toBe('request_state_invalid')
  })
})
