import { beforeEach, describe, expect, it } from 'vitest'
import type { JsonObject, RpcNotification } from '#core/protocol/json-rpc.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { BegunTasks, isAboutTask } from './begun-tasks.ts'
import type { CallHooks } from './upstream-session.ts'

let clock: FakeClock
let begun: BegunTasks
let heard: [owner: string, when: 'now' | 'later', token: unknown][]

beforeEach(() => {
  clock = new FakeClock()
  begun = new BegunTasks(clock)
  heard = []
})

function hooks(owner: string): CallHooks {
  const hear = (when: 'now' | 'later') => (note: RpcNotification) =>
    void heard.push([owner, when, note.params?.['progressToken']])
  const ask = async () => ({ result: {} })
  return { owner, notify: hear('now'), later: hear('later'), ask, cancellation: new Cancellation() }
}

const toolCall = { method: 'tools/call', params: { task: {} }, headers: [], raw: null }
const progress = (progressToken: unknown): RpcNotification => ({
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: { progressToken, progress: 1 },
})

function add(token: number, result: JsonObject, callerToken: string | null = 'mine'): Promise<unknown> {
  return begun.follow(Promise.resolve({ result }), toolCall, {
    token,
    callerToken: callerToken ?? undefined,
    hooks: hooks('ann'),
  })
}

const task = (taskId: string, ttl: number | null = null) => ({ task: { taskId, status: 'working', ttl } })

describe('progress of a task', () => {
  it('goes out with its caller’s token: on a stream of its owner’s, else later', async () => {
    await add(7, task('t'))
    expect(begun.progressed(progress(7))).toBe(true)
    expect(begun.progressed(progress(7), hooks('ann'))).toBe(true)
    expect(begun.progressed(progress(7), hooks('bob'))).toBe(true)
    expect(heard).toEqual([
      ['ann', 'later', 'mine'],
      ['ann', 'now', 'mine'],
      ['ann', 'later', 'mine'],
    ])
  })

  it('is nothing that a caller hears who wanted none', async () => {
    await add(7, task('t'), null)
    expect(begun.progressed(progress(7), hooks('ann'))).toBe(true)
    expect(heard).toEqual([])
  })

  it('is none where no call of that token became a task, or the task has ended', async () => {
    await add(7, { content: [] })
    await add(8, task('t'))
    begun.heard('t', { status: 'completed' })
    expect([begun.progressed(progress(7)), begun.progressed(progress(8)), begun.progressed(progress('7'))]).toEqual([
      false,
      false,
      false,
    ])
  })
})

describe('a task that runs', () => {
  it('is another’s to everybody but its owner, until its time is over', async () => {
    await add(7, task('t', 1_000))
    expect([begun.hasOther(hooks('ann')), begun.hasOther(hooks('bob'))]).toEqual([false, true])
    await clock.advance(1_000)
    expect(begun.hasOther(hooks('bob'))).toBe(false)
  })

  it('without a time limit is believed to run for an hour', async () => {
    await add(7, task('t'))
    await clock.advance(3_599_999)
    expect(begun.hasOther(hooks('bob'))).toBe(true)
    await clock.advance(1)
    expect(begun.hasOther(hooks('bob'))).toBe(false)
  })

  it('is forgotten when very many have begun since', async () => {
    for (let index = 0; index <= 1_000; index++) await add(index, task(`t${index}`))
    expect([begun.progressed(progress(0)), begun.progressed(progress(1))]).toEqual([false, true])
  })
})

it.each([
  [{ method: 'tools/call', params: { task: {} } }, true],
  [{ method: 'tasks/get', params: { taskId: 't' } }, true],
  [{ method: 'tools/call', params: { name: 'a' } }, false],
  [{ method: 'tools/list', params: undefined }, false],
])('a request that a task can come of, or is about: %j is %s', (request, expected) => {
  expect(isAboutTask(request)).toBe(expected)
})
