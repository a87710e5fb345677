/**
 * What one replica holds for a caller, another caller tries to get through the other one: with a state, an id of a task or an id of an event
 * that he has got hold of, and with a server of his that sends him to it. He is told what is told of things that never were.
 */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { codeOf, openLegacy, openModern, post } from '../support/raw-client.ts'
import { type RawGateway } from '../support/raw-gateway.ts'
import { openEvents, parseJson, type Json } from '../support/raw-http.ts'
import { rawUpstream, toServer, type RawUpstream } from '../support/raw-upstream.ts'
import { describeReplicas } from '../support/replica-pairs.ts'

const path = '/one/mcp'
const able = { elicitation: {} }

let upstream: RawUpstream
let evil: RawUpstream
/** What the other server gives out as its state. */
let bait: string

beforeEach(async () => {
  bait = 'none'
  upstream = await rawUpstream({
    capabilities: { tools: {}, tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } },
    calls: {
      ask: (x) => {
        const params = { message: 'canary-question', requestedSchema: {} }
        x.event({ jsonrpc: '2.0', id: 'q', method: 'elicitation/create', params })
      },
      slow: (x) => x.result({ task: { taskId: 'canary-task', status: 'working', ttl: 60_000 } }),
    },
    on: { 'tasks/get': (x) => x.result({ taskId: 'canary-task', status: 'working', statusMessage: 'canary-state' }) },
  })
  evil = await rawUpstream({
    era: 'modern',
    calls: {
      ask: (x) => {
        const params = { mode: 'form', message: 'who?', requestedSchema: {} }
        const inputRequests = { q1: { method: 'elicitation/create', params } }
        x.result({ resultType: 'input_required', inputRequests, requestState: bait })
      },
    },
  })
})
afterEach(async () => {
  await Promise.all([upstream[Symbol.asyncDispose](), evil[Symbol.asyncDispose]()])
})

const options = () => ({
  servers: [toServer('one', upstream), toServer('evil', evil)],
  policies: [{ name: 'looking', default: 'read' }],
  tokens: { a: ['everything'], b: ['everything'], c: ['looking'] },
})

const modern = (at: RawGateway, token: string, at2 = path) => openModern(at, { token, path: at2, capabilities: able })
const inputs = { q1: { action: 'accept', content: {} } }
const retry = (requestState: string): Json => ({ name: 'ask', arguments: {}, requestState, inputResponses: inputs })
const plain = (text: string): Json => {
  const answer = parseJson(text)
  return { ...answer['error'], data: { ...answer['error'].data, requestId: '' } }
}

describeReplicas('what a replica holds for another caller', options, (pair) => {
  it('is not had with its state, though a server of the thief’s gives it out as its own', async () => {
    const { a, b } = pair()
    const { result } = await modern(a, 'a').request('tools/call', { name: 'ask', arguments: {} })
    const state = String(result.requestState)
    const made = await modern(b, 'b').post('tools/call', retry('made up'))
    for (const [token, said] of [
      ['b', state],
      ['b', state.slice(state.indexOf('.') + 1)],
      ['a', state.slice(state.indexOf('.') + 1)],
    ] as const)
      expect(plain((await modern(b, token).post('tools/call', retry(said))).text)).toEqual(plain(made.text))
    // The handle itself, signed for the thief: as the state of a server that works with him.
    bait = state.slice(state.indexOf('.') + 1)
    for (const token of ['a', 'b']) {
      const lured = await modern(b, token, '/evil/mcp').request('tools/call', { name: 'ask', arguments: {} })
      const answer = await modern(b, token, '/evil/mcp').post('tools/call', retry(String(lured['result'].requestState)))
      expect(plain(answer.text)).toEqual(plain(made.text))
    }
    expect(a.engine.counts.parkedCalls).toBe(1)
    expect(upstream.seen.filter(({ message }) => message['id'] === 'q')).toEqual([])
  })

  it('is not had with the id of a task', async () => {
    const { a, b } = pair()
    const ann = await openLegacy(a, { path })
    const made = await ann.request('tools/call', { name: 'slow', arguments: {}, task: {} })
    const { taskId } = made['result'].task
    for (const token of ['b', 'c']) {
      const thief = await openLegacy(b, { path, token })
      for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
        const [stolen, unknown] = [
          await thief.request(method, { taskId }),
          await thief.request(method, { taskId: 'x' }),
        ]
        expect(codeOf(stolen)).toBe('invalid_params')
        expect(plain(JSON.stringify(stolen))).toEqual(plain(JSON.stringify(unknown)))
      }
      expect((await thief.request('tasks/list'))['result']).toEqual({ tasks: [] })
    }
    expect(upstream.seen.filter(({ message }) => String(message['method']).startsWith('tasks/'))).toEqual([])
    // Of the owner’s own session there, a thief has nothing either.
    const message = { jsonrpc: '2.0', id: 1, method: 'tasks/get', params: { taskId } }
    const mixed = await post(b, message, { path, token: 'b', headers: { 'mcp-session-id': ann.id } })
    expect(codeOf(mixed)).toBe('session_not_found')
    expect(parseJson((await post(b, message, { path, headers: ann.headers })).text)['result']).toMatchObject({ taskId })
  })

  it('is not had with the id of an event', async () => {
    const { a, b } = pair()
    const ann = await openLegacy(a, { path, capabilities: able })
    const stream = await ann.stream({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'ask', arguments: {} },
    })
    const { id } = await stream.find(({ data }) => data.includes('canary-question'))
    const first = id.replace(/^1_\d+/, '1_0')
    const thief = await openLegacy(b, { path, token: 'b', capabilities: able })
    for (const [session, eventId] of [
      [thief.id, first],
      [thief.id, `s${first}`],
      [ann.id, first],
    ] as const) {
      const headers = { ...thief.headers, 'mcp-session-id': session, 'last-event-id': eventId }
      const stolen = await openEvents(b.url + path, { headers: { accept: 'text/event-stream', ...headers } })
      if (stolen.status === 200) await stolen.find(({ id: own }) => own.startsWith('s1_0@'))
      expect(stolen.text()).not.toContain('canary')
      stolen.close()
    }
    const headers = { accept: 'text/event-stream', ...ann.headers, 'last-event-id': first }
    const own = await openEvents(b.url + path, { headers })
    expect(await own.message(({ method }) => method === 'elicitation/create')).toBeDefined()
    own.close()
    stream.close()
  })
})
