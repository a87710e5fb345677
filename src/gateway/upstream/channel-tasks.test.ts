/** Tasks on a channel that all principals share (2025-11-25): what it says later is about somebody's task, and must reach nobody else. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { JsonObject, RpcNotification } from '#core/protocol/json-rpc.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import { failureOf } from '#test/support/failure.ts'
import { FakeChannelWire, legacyScript } from '#test/support/fake-channel.ts'
import { FakeClock, settled } from '#test/support/fake-clock.ts'
import { leaseOf } from '#test/support/leases.ts'
import { openChannelSession } from './channel-session.ts'
import type { Answer, CallHooks, UpstreamSession } from './upstream-session.ts'

let clock: FakeClock
let wire: FakeChannelWire
let session: UpstreamSession
/** What reached whom: a call, what comes after it, or nobody's call. */
let heard: string[]

beforeEach(async () => {
  clock = new FakeClock()
  heard = []
  const open = { 'tools/call': () => undefined, 'tasks/result': () => undefined, 'tasks/get': () => undefined }
  wire = new FakeChannelWire(legacyScript({ tools: {} }, open))
  const outside = (what: string) => (): void => void heard.push(`outside: ${what}`)
  session = await openChannelSession(
    {
      wire,
      clock,
      lease: leaseOf(),
      clientInfo: {},
      clientCapabilities: {},
      protocol: 'legacy',
      timeoutMs: 5_000,
      timeoutTotalMs: 60_000,
      openTimeoutMs: 10_000,
      events: {
        listChanged: outside('list'),
        resourceUpdated: outside('resource'),
        logged: outside('log'),
        other: ({ method }) => void heard.push(`outside: ${method}`),
        asked: async () => ({ result: { by: 'outside' } }),
        ended: outside('end'),
      },
    },
    new Cancellation(),
  )
})

function hooks(owner: string, tasks: Readonly<Record<string, boolean>> = {}): CallHooks {
  return {
    owner,
    notify: ({ method }) => void heard.push(`${owner}: ${method}`),
    later: ({ params }) => void heard.push(`${owner} later: ${JSON.stringify(params?.['progressToken'])}`),
    concernsTask: (taskId) => tasks[taskId],
    ask: async () => ({ result: { by: owner } }),
    cancellation: new Cancellation(),
  }
}

const call = (method: string, params: JsonObject, by: CallHooks): Promise<Answer> =>
  session.call({ method, params, headers: [], raw: null }, by)
const note = (method: string, params: JsonObject = {}): RpcNotification => ({ jsonrpc: '2.0', method, params })
const related = (taskId: string) => ({ _meta: { 'io.modelcontextprotocol/related-task': { taskId } } })

/** @returns the token of its progress */
async function begin(owner: string, taskId: string, ttl: number | null = 20_000): Promise<unknown> {
  const params = { name: 'slow', task: {}, _meta: { progressToken: `of-${owner}` } }
  const answer = call('tools/call', params, hooks(owner, { [taskId]: true }))
  const request = wire.channel.last('tools/call')
  wire.channel.answer(request, { task: { taskId, status: 'working', ttl } })
  await answer
  return request?.['id']
}

/** Asks as the server does, and gives who was asked. */
async function ask(params: JsonObject, method = 'elicitation/create'): Promise<unknown> {
  const asked = wire.channel.sent.length
  wire.channel.say({ jsonrpc: '2.0', id: 'q', method, params })
  await settled()
  const answer = wire.channel.sent.slice(asked).find(({ id }) => id === 'q')
  return answer?.['result']
}

describe('a question', () => {
  it('without a task’s name is nobody’s while another principal’s task runs', async () => {
    await begin('ann', 't', 4_000)
    void call('tools/call', { name: 'a' }, hooks('bob'))
    expect(await ask({})).toEqual({ by: 'outside' })
    await clock.advance(4_000)
    expect(await ask({})).toEqual({ by: 'bob' })
  })

  it.each<[string, (finish: (method: string, result: JsonObject) => Promise<unknown>) => unknown]>([
    ['its result was given', (finish) => finish('tasks/result', { content: [] })],
    ['its state was asked for', (finish) => finish('tasks/get', { taskId: 't', status: 'failed' })],
    [
      'the server said so',
      () => wire.channel.say(note('notifications/tasks/status', { taskId: 't', status: 'cancelled' })),
    ],
  ])('is the only call’s again when the task has ended: %s', async (_how, end) => {
    await begin('ann', 't', null)
    await end(async (method, result) => {
      const answer = call(method, { taskId: 't' }, hooks('ann'))
      wire.channel.answer(wire.channel.last(method), result)
      await answer
    })
    void call('tools/call', { name: 'a' }, hooks('bob'))
    expect(await ask({})).toEqual({ by: 'bob' })
  })

  it('about a task is for a call of its owner, however many others are under way', async () => {
    await begin('ann', 't')
    void call('tasks/result', { taskId: 't' }, hooks('ann', { t: true }))
    void call('tools/call', { name: 'a' }, hooks('bob', { t: false }))
    expect(await ask(related('t'))).toEqual({ by: 'ann' })
  })

  it('about a task of somebody who has no call under way is for nobody’s call', async () => {
    await begin('ann', 't')
    void call('tools/call', { name: 'a' }, hooks('bob', { t: false }))
    expect(await ask(related('t'))).toEqual({ by: 'outside' })
  })

  it('about a task that is not announced yet is for the only call', async () => {
    void call('tools/call', { name: 'slow', task: {} }, hooks('bob'))
    expect(await ask(related('soon'))).toEqual({ by: 'bob' })
  })

  it('after a task that a client made is for that client’s call', async () => {
    void call('tools/call', { name: 'a' }, hooks('bob'))
    void call('tools/call', { name: 'a' }, hooks('ann', { mine: true }))
    expect(await ask({ taskId: 'mine' }, 'tasks/get')).toEqual({ by: 'ann' })
  })
})

describe('what is said of a task', () => {
  it('is said on the stream of a call that it belongs to, else to who listens', async () => {
    await begin('ann', 't')
    wire.channel.say(note('notifications/message', related('t')))
    void call('tasks/result', { taskId: 't' }, hooks('ann', { t: true }))
    void call('tools/call', { name: 'a' }, hooks('bob', { t: false }))
    wire.channel.say(note('notifications/message', related('t')))
    wire.channel.say(note('notifications/tasks/status', { taskId: 't', status: 'working' }))
    expect(heard).toEqual(['outside: log', 'ann: notifications/message', 'outside: notifications/tasks/status'])
  })

  it('is its progress, under the token of the call that began it', async () => {
    const token = await begin('ann', 't')
    wire.channel.say(note('notifications/progress', { progressToken: token, progress: 1 }))
    wire.channel.say(note('notifications/progress', { progressToken: 999, progress: 1 }))
    expect(heard).toEqual(['ann later: "of-ann"'])
  })
})

describe('a result that is waited for', () => {
  it('may take longer than a server may be silent, and no longer than a call may take in all', async () => {
    const failure = failureOf(call('tasks/result', { taskId: 't' }, hooks('ann')))
    await clock.advance(59_000)
    expect(wire.channel.count('notifications/cancelled')).toBe(0)
    await clock.advance(1_000)
    expect(await failure).toMatchObject({ code: 'upstream_timeout' })
  })
})
