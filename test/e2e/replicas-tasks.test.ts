/** A task that was made through one replica, asked after through the other one. */
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { codeOf, openLegacy, openModern, parseMessage, post, type LegacyClient } from '../support/raw-client.ts'
import type { RawGateway } from '../support/raw-gateway.ts'
import { openEvents, type Json } from '../support/raw-http.ts'
import { startRawUpstream, type RawUpstream } from '../support/raw/http-upstream.ts'
import {
  createTaskExtensionServer,
  createTaskServer,
  tasksExtension,
  type TaskServer,
} from '../support/raw/task-server.ts'
import { toServer } from '../support/raw-upstream.ts'
import { describeReplicas, openLosablePair } from '../support/replica-pairs.ts'
import { describeWithRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

const patience = { timeoutMs: 10_000 }

let core: TaskServer
let coreUpstream: RawUpstream
let extension: TaskServer
let extensionUpstream: RawUpstream

beforeEach(async () => {
  core = createTaskServer('core')
  coreUpstream = await startRawUpstream(['legacy'], { name: 'core', ...core })
  extension = createTaskExtensionServer('next')
  extensionUpstream = await startRawUpstream(['modern'], { name: 'next', ...extension })
})
afterEach(async () => {
  await Promise.all([coreUpstream[Symbol.asyncDispose](), extensionUpstream[Symbol.asyncDispose]()])
})

const options = () => ({
  servers: [toServer('one', coreUpstream), toServer('next', extensionUpstream)],
  limits: { listingTimeoutMs: 5_000 },
  policies: [{ name: 'looking', default: 'read' }],
  tokens: { a: ['everything'], b: ['everything'], c: ['looking'] },
})

/** A message of the client's session, to a replica. */
const ask = async (at: RawGateway, client: LegacyClient, asked: { method: string; params?: Json; path?: string }) => {
  const { method, params = {}, path = '/one/mcp' } = asked
  const message = { jsonrpc: '2.0', id: `${method} ${Math.random()}`, method, params }
  return parseMessage((await post(at, message, { path, headers: client.headers })).text)
}
const begin = async (at: RawGateway, client: LegacyClient, path = '/one/mcp'): Promise<string> => {
  const name = path === '/mcp' ? 'one__slow' : 'slow'
  const params = { name, arguments: {}, task: { ttl: 60_000 } }
  const { result } = await ask(at, client, { method: 'tools/call', params, path })
  return result.task.taskId
}
const get = (at: RawGateway, client: LegacyClient, taskId: string) =>
  ask(at, client, { method: 'tasks/get', params: { taskId } })
const refusal = ({ error }: Json): Json => ({ ...error, data: { ...error.data, requestId: '' } })

describeReplicas('a core task that was made through one replica', options, (pair) => {
  it.each(['/one/mcp', '/mcp'])('is the same through the other, at %s', async (path) => {
    const { a, b } = pair()
    const client = await openLegacy(a, { path })
    const taskId = await begin(a, client, path)
    const own = path === '/mcp' ? taskId.slice('one:'.length) : taskId
    expect((await ask(b, client, { method: 'tasks/get', params: { taskId }, path }))['result']).toMatchObject({
      taskId,
      status: 'working',
    })
    const result = ask(b, client, { method: 'tasks/result', params: { taskId }, path })
    await until('the result is waited for', () => coreUpstream.count('tasks/result') === 1, patience)
    core.complete(own, 'made elsewhere')
    expect((await result)['result']).toMatchObject({ content: [{ text: 'made elsewhere' }, { type: 'resource_link' }] })
    expect(JSON.stringify((await result)['result'])).toContain(`"taskId":"${taskId}"`)
    // In the one connection in which it runs.
    expect(new Set(coreUpstream.seen.filter(({ method }) => method.startsWith('tasks/')).map(sessionOf)).size).toBe(1)
  })

  it('is cancelled through the other', async () => {
    const { a, b } = pair()
    const client = await openLegacy(a, { path: '/one/mcp' })
    const taskId = await begin(a, client)
    const cancelled = await ask(b, client, { method: 'tasks/cancel', params: { taskId } })
    expect(cancelled['result']).toMatchObject({ taskId, status: 'cancelled' })
    const [event] = await b.audit()
    expect(event).toMatchObject({ method: 'tasks/cancel', server: 'one', target: taskId, outcome: 'ok' })
  })

  it('is to everybody else as none, and nobody asks its server', async () => {
    const { a, b } = pair()
    const client = await openLegacy(a, { path: '/one/mcp' })
    const taskId = await begin(a, client)
    const unknown = refusal(await get(b, client, 'nothing'))
    expect(unknown).toMatchObject({ code: -32_602, data: { reason: 'no such task' } })
    const before = coreUpstream.seen.length
    for (const token of ['b', 'c']) {
      const other = await openLegacy(b, { path: '/one/mcp', token })
      for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
        const message = { jsonrpc: '2.0', id: 1, method, params: { taskId } }
        const answer = await post(b, message, { token, path: '/one/mcp', headers: other.headers })
        expect(refusal(parseMessage(answer.text))).toEqual(unknown)
      }
      const listed = await post(
        b,
        { jsonrpc: '2.0', id: 1, method: 'tasks/list' },
        { token, path: '/one/mcp', headers: other.headers },
      )
      expect(parseMessage(listed.text)['result']).toEqual({ tasks: [] })
    }
    expect(coreUpstream.seen.slice(before).filter(({ method }) => method.startsWith('tasks/'))).toEqual([])
    expect((await get(b, client, taskId))['result']).toMatchObject({ taskId })
  })

  it('is nobody’s where the server gave its id to somebody else through the other', async () => {
    const { a, b } = pair()
    const [ann, bob] = [
      await openLegacy(a, { path: '/one/mcp' }),
      await openLegacy(b, { path: '/one/mcp', token: 'b' }),
    ]
    const taskId = await begin(a, ann)
    core.tasks.clear()
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'slow', task: {} } }
    const again = parseMessage((await post(b, message, { token: 'b', path: '/one/mcp', headers: bob.headers })).text)
    expect(again['result'].task.taskId).toBe(taskId)
    expect(codeOf(await get(b, ann, taskId))).toBe('invalid_params')
    await until('the first has heard', async () => codeOf(await get(a, ann, taskId)) === 'invalid_params', patience)
  })

  it('is listed through both', async () => {
    const { a, b } = pair()
    const client = await openLegacy(a, { path: '/mcp' })
    const made = [await begin(a, client, '/mcp'), await begin(b, client, '/mcp')]
    for (const at of [a, b]) {
      const { result } = await ask(at, client, { method: 'tasks/list', path: '/mcp' })
      expect(result.tasks.map(({ taskId }: Json) => taskId).toSorted()).toEqual(made.toSorted())
      expect(result).not.toHaveProperty('_meta')
    }
  })

  it('asks its client through the other', async () => {
    const { a, b } = pair()
    const client = await openLegacy(a, { path: '/one/mcp', capabilities: { elicitation: {} } })
    const taskId = await begin(a, client)
    coreUpstream.handlers['tasks/result'] = async (exchange) => {
      const answer = await exchange.ask('elicitation/create', { message: 'who?', requestedSchema: {} })
      return { content: [{ type: 'text', text: JSON.stringify(answer) }] }
    }
    const events = await openEvents(`${b.url}/one/mcp`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...client.headers,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 'r', method: 'tasks/result', params: { taskId } }),
    })
    const question = await events.message(({ method }) => method === 'elicitation/create')
    const answer = { jsonrpc: '2.0', id: question['id'], result: { action: 'accept', content: { by: 'client' } } }
    expect((await post(a, answer, { path: '/one/mcp', headers: client.headers })).status).toBe(202)
    const answered = await events.message(({ id }) => id === 'r')
    expect(JSON.stringify(answered)).toContain('by')
  })

  it('is asked of its server itself when the first replica has gone', async () => {
    const { a, b } = pair()
    const client = await openLegacy(a, { path: '/one/mcp' })
    const taskId = await begin(a, client)
    await a.engine.close()
    expect((await get(b, client, taskId))['result']).toMatchObject({ taskId, status: 'working' })
    const { result } = await ask(b, client, { method: 'tasks/list' })
    expect(result.tasks).toMatchObject([{ taskId }])
  })
})

describeReplicas('a task of the extension that was made through one replica', options, (pair) => {
  const client = (at: RawGateway, token = 'a') =>
    openModern(at, { token, path: '/next/mcp', capabilities: tasksExtension })

  it('is followed, answered and heard of through the other, also when the first has gone', async () => {
    const { a, b } = pair()
    const { result: task } = await client(a).request('tools/call', { name: 'ask', arguments: {} })
    const { taskId } = task
    expect((await client(b).request('tasks/get', { taskId }))['result']).toMatchObject({ status: 'input_required' })
    expect(codeOf(await client(b, 'b').request('tasks/get', { taskId }))).toBe('invalid_params')
    expect(codeOf(await client(b, 'c').request('tasks/get', { taskId }))).toBe('invalid_params')
    await a.engine.close()
    const inputResponses = { which: { action: 'accept', content: {} } }
    expect((await client(b).request('tasks/update', { taskId, inputResponses }))['error']).toBeUndefined()
    expect((await client(b).request('tasks/get', { taskId }))['result']).toMatchObject({ status: 'completed' })
  })

  it('is honoured in a subscription at the other', async () => {
    const { a, b } = pair()
    const { result: task } = await client(a).request('tools/call', { name: 'slow', arguments: {} })
    const { taskId } = task
    const events = await client(b).stream('subscriptions/listen', { notifications: { taskIds: [taskId, 'other'] } })
    const said = await events.message(({ method }) => method === 'notifications/subscriptions/acknowledged')
    expect(said).toMatchObject({ params: { notifications: { taskIds: [taskId] } } })
    events.close()
  })
})

describeReplicas(
  'a task of a program that each replica runs for itself',
  () => ({
    servers: [
      {
        name: 'one',
        isolation: 'shared',
        transport: {
          kind: 'stdio',
          command: process.execPath,
          args: [join(import.meta.dirname, '../support/stdio/task-program.ts')],
          env: {},
        },
      },
    ],
  }),
  (pair) => {
    it('is found in its own program, and is gone with it', { timeout: 30_000 }, async () => {
      const { a, b } = pair()
      const ann = await openLegacy(a, { path: '/one/mcp' })
      const bob = await openLegacy(b, { path: '/one/mcp', token: 'b' })
      const [one, two] = [await begin(a, ann), (await bob.request('tools/call', { name: 'slow', task: {} }))['result']]
      // Both programs count from one.
      expect(two.task.taskId).toBe(one)
      const mine = (await get(b, ann, one))['result']
      expect(mine).toMatchObject({ taskId: one, statusMessage: (await get(a, ann, one))['result'].statusMessage })
      expect(mine.statusMessage).not.toBe(two.task.statusMessage)
      await a.engine.close()
      expect(codeOf(await get(b, ann, one))).toBe('invalid_params')
      expect((await bob.request('tasks/get', { taskId: one }))['result']).toMatchObject({ taskId: one })
    })
  },
)

describeWithRedis('a task, and a Redis that is away', () => {
  it('is found by the others when it is back', { timeout: 40_000 }, async () => {
    await using opened = new AsyncDisposableStack()
    const { redis, a, b } = await openLosablePair(opened, options())
    const client = await openLegacy(a, { path: '/one/mcp' })
    const before = await begin(a, client)
    expect((await get(b, client, before))['result']).toMatchObject({ taskId: before })
    await redis.kill()
    const meanwhile = await begin(a, client)
    expect((await get(a, client, meanwhile))['result']).toMatchObject({ taskId: meanwhile })
    expect(codeOf(await get(b, client, before))).toBe('storage_unavailable')
    // What it knew is lost, and told again.
    await redis.start()
    for (const taskId of [before, meanwhile]) {
      await until('it is found', async () => (await get(b, client, taskId))['result']?.taskId === taskId, {
        timeoutMs: 20_000,
        pollMs: 100,
      })
    }
  })
})

function sessionOf({ headers }: RawUpstream['seen'][number]): unknown {
  return headers['mcp-session-id']
}
