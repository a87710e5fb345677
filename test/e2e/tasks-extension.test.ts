/** The tasks extension of modern MCP (SEP-2663) through the gateway. No SDK speaks it yet, so both ends are played by hand. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGateway, type GatewayProcess } from '../support/gateway-process.ts'
import { askModern, LegacySession, type Received } from '../support/raw/client.ts'
import type { Json } from '../support/raw/exchange.ts'
import { startRawUpstream, type RawUpstream } from '../support/raw/http-upstream.ts'
import { createTaskExtensionServer, tasksExtension, type TaskServer } from '../support/raw/task-server.ts'
import { ownId, refusalOf } from '../support/task-lab.ts'
import { tokenFor } from '../support/tokens.ts'
import { until } from '../support/until.ts'

type Name = 'one' | 'two'

const open = new AsyncDisposableStack()
let gateway: GatewayProcess
let upstreams: Record<Name, RawUpstream>
const servers: Record<Name, TaskServer> = {
  one: createTaskExtensionServer('one'),
  two: createTaskExtensionServer('two'),
}

beforeAll(async () => {
  upstreams = {
    one: open.use(await startRawUpstream(['modern'], servers.one)),
    two: open.use(await startRawUpstream(['modern'], servers.two)),
  }
  const plain = open.use(await startRawUpstream(['modern'], {}))
  gateway = open.use(
    await startGateway({
      servers: { one: { url: upstreams.one.url }, two: { url: upstreams.two.url }, plain: { url: plain.url } },
      policies: { all: { default: 'execute' } },
      tokens: ['ann', 'bob'].map((name) => ({ name, secret: tokenFor(name), policies: ['all'] })),
    }),
  )
})

afterAll(() => open.disposeAsync())

const address = (path: string, user = 'ann') => ({ url: `${gateway.url}${path}`, token: tokenFor(user) })

type Asking = { path?: string; user?: string; capabilities?: Json }

function ask(method: string, params: Json = {}, asking: Asking = {}): Promise<Received> {
  const { path = '/mcp', user, capabilities = tasksExtension } = asking
  const { taskId } = params
  const headers = typeof taskId === 'string' ? { 'mcp-name': taskId } : {}
  return askModern({ ...address(path, user), headers }, { method, params, capabilities })
}

async function begin(name: string, asking: Asking = {}): Promise<string> {
  const { result } = await ask('tools/call', { name, arguments: {} }, asking)
  expect(result).toMatchObject({ resultType: 'task', ttlMs: 60_000 })
  return String(result?.['taskId'])
}

describe('a task of one of two servers that give the same ids', () => {
  it('is followed at its own server, and has the result within', async () => {
    const [one, two] = [await begin('one__slow'), await begin('two__slow')]
    expect([ownId(one) === ownId(two), one === two]).toEqual([true, false])
    for (const [name, taskId] of [
      ['one', one],
      ['two', two],
    ] as const) {
      expect((await ask('tasks/get', { taskId })).result).toMatchObject({
        taskId,
        status: 'working',
        statusMessage: name,
      })
      servers[name].complete(ownId(taskId), `from ${name}`)
      const { result } = await ask('tasks/get', { taskId })
      expect(result).toMatchObject({ resultType: 'complete', taskId, status: 'completed' })
      const link = { type: 'resource_link', uri: `toolgate://${name}/test://made`, name: 'made' }
      expect(result?.['result']).toEqual({ content: [{ type: 'text', text: `from ${name}` }, link] })
      expect(upstreams[name].seen.at(-1)).toMatchObject({
        headers: { 'mcp-name': ownId(taskId) },
        body: { params: { taskId: ownId(taskId) } },
      })
    }
  })

  it('is given what it asks for, and cancelled, alone', async () => {
    const [one, two] = [await begin('one__ask'), await begin('two__ask')]
    const asked = await ask('tasks/get', { taskId: two })
    expect(asked.result).toMatchObject({
      status: 'input_required',
      inputRequests: { which: { method: 'elicitation/create' } },
    })
    const inputResponses = { which: { action: 'accept', content: { it: 'this' } } }
    expect((await ask('tasks/update', { taskId: two, inputResponses })).result).toMatchObject({
      resultType: 'complete',
    })
    const { result } = await ask('tasks/get', { taskId: two })
    expect(JSON.stringify(result)).toContain(`two: ${JSON.stringify(inputResponses).replaceAll('"', '\\"')}`)
    expect(servers.one.tasks.get(ownId(one))).toMatchObject({ status: 'input_required' })
    expect((await ask('tasks/cancel', { taskId: one })).result).toMatchObject({ resultType: 'complete' })
    expect(servers.one.tasks.get(ownId(one))).toMatchObject({ status: 'cancelled' })
  })

  it('has the server’s own id at the server’s own address', async () => {
    const alone = { path: '/one/mcp' }
    const taskId = await begin('slow', alone)
    expect(taskId).toMatch(/^task-\d+$/)
    expect((await ask('tasks/get', { taskId }, alone)).result).toMatchObject({ taskId })
    expect((await ask('tasks/get', { taskId: `one:${taskId}` })).result).toMatchObject({ taskId: `one:${taskId}` })
  })
})

describe.each(['/mcp', '/one/mcp'])('a task made at %s', (path) => {
  it('is to everybody else as if it did not exist, and its server is not asked', async () => {
    const taskId = await begin(path === '/mcp' ? 'one__slow' : 'slow', { path })
    const before = upstreams.one.seen.length
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      const unknown = refusalOf(await ask(method, { taskId: 'one:nothing' }, { path }))
      expect(unknown).toMatchObject({ code: -32602, data: { reason: 'no such task' } })
      expect(refusalOf(await ask(method, { taskId }, { path, user: 'bob' }))).toEqual(unknown)
    }
    expect(upstreams.one.seen.slice(before).filter(({ method }) => method.startsWith('tasks/'))).toEqual([])
  })

  it('cannot be asked for by the methods of the other form', async () => {
    const taskId = await begin(path === '/mcp' ? 'one__slow' : 'slow', { path })
    for (const method of ['tasks/result', 'tasks/list']) {
      const answer = await ask(method, { taskId }, { path })
      expect([answer.status, answer.error?.code]).toEqual([404, -32601])
    }
    await using legacy = await LegacySession.open(address(path))
    expect((await legacy.ask('tasks/get', { taskId })).error).toMatchObject({ code: -32602 })
  })
})

describe('what is promised', () => {
  const declared = async (path: string): Promise<unknown> =>
    (await ask('server/discover', {}, { path })).result?.['capabilities']

  it('is the extension, where a server knows it', async () => {
    for (const path of ['/mcp', '/one/mcp', '/mcp/one,plain'])
      expect(await declared(path)).toMatchObject(tasksExtension)
    for (const path of ['/plain/mcp', '/mcp/plain,']) expect(await declared(path)).not.toHaveProperty('extensions')
  })

  it('is kept from who does not declare it, and from legacy clients, whose calls are answered at once', async () => {
    const atOnce = { content: [{ type: 'text', text: 'one: at once' }] }
    const call = { name: 'one__slow', arguments: {} }
    expect((await ask('tools/call', call, { capabilities: {} })).result).toMatchObject(atOnce)
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      const { error } = await ask(method, { taskId: 'one:task-1' }, { capabilities: {} })
      expect(error).toMatchObject({ code: -32021, data: { requiredCapabilities: tasksExtension } })
    }
    await using legacy = await LegacySession.open(address('/mcp'), tasksExtension)
    expect((await legacy.ask('tools/call', call)).result).toEqual(atOnce)
  })
})

describe('the states of tasks', () => {
  it('are told to who listens for them, and may', async () => {
    const one = await begin('one__slow')
    await begin('two__slow')
    const heard: Json[] = []
    const controller = new AbortController()
    const notifications = { taskIds: [one, 'one:nothing', 'nothing', 7] }
    const listening = askModern(
      address('/mcp'),
      { method: 'subscriptions/listen', params: { notifications }, capabilities: tasksExtension },
      { signal: controller.signal, onMessage: (message) => heard.push(message) },
    ).catch(() => null)
    await until('the subscription has been agreed to', () => heard.length > 0)
    expect(heard).toMatchObject([{ params: { notifications: { taskIds: [one] } } }])
    const lastListen = () => upstreams.one.seen.findLast(({ method }) => method === 'subscriptions/listen')?.body
    await until('the server has been asked', () => JSON.stringify(lastListen() ?? {}).includes('taskIds'))
    expect(lastListen()?.['params']).toMatchObject({
      notifications: { taskIds: [ownId(one)] },
      _meta: { 'io.modelcontextprotocol/clientCapabilities': tasksExtension },
    })
    upstreams.one.announce('notifications/tasks', { taskId: ownId(one), status: 'working', ttlMs: 1 })
    await until('the state has been told', () => heard.length === 2)
    expect(heard[1]).toMatchObject({
      method: 'notifications/tasks',
      params: {
        taskId: one,
        status: 'working',
        ttlMs: 1,
        _meta: { 'io.modelcontextprotocol/subscriptionId': expect.anything() },
      },
    })
    expect(upstreams.two.count('subscriptions/listen')).toBe(0)
    controller.abort()
    await listening
  })

  it('are not told to who does not declare the extension', async () => {
    const params = { notifications: { taskIds: ['one:task-1'] } }
    const answer = await ask('subscriptions/listen', params, { capabilities: {} })
    expect(answer.error).toMatchObject({ code: -32021, data: { requiredCapabilities: tasksExtension } })
  })
})
