import { beforeEach, describe, expect, it } from 'vitest'
import type { Outcome, Question } from '#core/protocol/json-rpc.ts'
import { principal } from '#test/support/upstreams.ts'
import { SessionTasks } from './session-tasks.ts'
import { TaskOwners } from './task-owners.ts'

const ann = principal('ann')
const related = (taskId: string) => ({ 'io.modelcontextprotocol/related-task': { taskId } })
let owners: TaskOwners
let asked: Question[]
let answer: Outcome

beforeEach(() => {
  owners = new TaskOwners()
  owners.add({ principalId: 'ann', server: 'one', taskId: 't', tool: 'slow' })
  asked = []
  answer = { result: {} }
})

function tasks(more: { isAggregate?: boolean; revision?: string } = {}): SessionTasks {
  return new SessionTasks({ principal: () => ann, revision: '2025-11-25', isAggregate: false, owners, ...more })
}

const ask = (question: Question): Promise<Outcome> => {
  asked.push(question)
  return Promise.resolve(answer)
}

const sampling = (params: object): Question => ({ method: 'sampling/createMessage', params: { ...params } })
const after = (method: string, taskId: unknown): Question => ({ method, params: { taskId } })
const noSuchTask = { error: { code: -32602, data: { reason: 'no such task' } } }

/** Has the client make a task of a question of this server's. */
async function make(session: SessionTasks, server: string, taskId: string): Promise<void> {
  answer = { result: { task: { taskId, status: 'working' } } }
  await session.ask(server, sampling({ task: {} }), ask)
  answer = { result: {} }
  asked = []
}

describe('a task of a server', () => {
  it('concerns its owner, whose revision knows tasks', () => {
    owners.add({ principalId: 'bob', server: 'one', taskId: 'of-bob', tool: 'slow' })
    expect(tasks().concerns('one', 't')).toBe(true)
    expect(tasks().concerns('one', 'of-bob')).toBe(false)
    expect(tasks({ revision: '2025-06-18' }).concerns('one', 't')).toBe(false)
    expect(tasks().concerns('two', 't')).toBeUndefined()
  })

  it('that is somebody else’s is no reason to ask the client', async () => {
    owners.add({ principalId: 'bob', server: 'one', taskId: 'of-bob', tool: 'slow' })
    const question = { method: 'elicitation/create', params: { message: 'really?', _meta: related('of-bob') } }
    expect(await tasks().ask('one', question, ask)).toMatchObject(noSuchTask)
    expect(asked).toEqual([])
    await tasks().ask('one', { ...question, params: { _meta: related('not-announced-yet') } }, ask)
    expect(asked).toHaveLength(1)
  })

  it('has its server in front at an aggregate, whatever speaks of it', () => {
    const status = { jsonrpc: '2.0' as const, method: 'notifications/tasks/status', params: { taskId: 't', x: 1 } }
    const log = { jsonrpc: '2.0' as const, method: 'notifications/message', params: { _meta: related('t') } }
    const plain = { jsonrpc: '2.0' as const, method: 'notifications/message', params: { taskId: 't' } }
    const [single, aggregate] = [tasks(), tasks({ isAggregate: true })]
    for (const note of [status, log, plain]) expect(single.toClient('one', note)).toBe(note)
    expect(aggregate.toClient('one', status).params).toEqual({ taskId: 'one:t', x: 1 })
    expect(aggregate.toClient('one', log).params).toEqual({ _meta: related('one:t') })
    expect(aggregate.toClient('one', plain)).toEqual(plain)
  })

  it('is named so in a question that belongs to it, and as the server knows it in the answer', async () => {
    answer = { result: { action: 'accept', _meta: related('one:t') } }
    const question = { method: 'elicitation/create', params: { message: 'really?', _meta: related('t') } }
    expect(await tasks({ isAggregate: true }).ask('one', question, ask)).toEqual({
      result: { action: 'accept', _meta: related('t') },
    })
    expect(asked).toEqual([{ ...question, params: { ...question.params, _meta: related('one:t') } }])
    const foreign = { result: { _meta: related('two:t') } }
    answer = foreign
    expect(await tasks({ isAggregate: true }).ask('one', question, ask)).toEqual(foreign)
  })
})

describe('a task that the client makes of a question', () => {
  it('can be asked after by the server whose question it was', async () => {
    const session = tasks()
    await make(session, 'one', 'mine')
    expect(session.concerns('one', 'mine')).toBe(true)
    expect(session.serversOf('mine')).toEqual(['one'])
    for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
      expect(await session.ask('one', after(method, 'mine'), ask)).toEqual({ result: {} })
    }
    expect(asked.map(({ method }) => method)).toEqual(['tasks/get', 'tasks/result', 'tasks/cancel'])
  })

  it('is no other server’s business, and the client is not asked', async () => {
    const session = tasks()
    await make(session, 'one', 'mine')
    for (const taskId of ['mine', 'none', undefined, 7]) {
      expect(await session.ask('two', after('tasks/get', taskId), ask)).toMatchObject(noSuchTask)
    }
    expect(asked).toEqual([])
  })

  it('is listed for the server whose question it was alone', async () => {
    const session = tasks()
    await make(session, 'one', 'mine')
    await make(session, 'two', 'other')
    answer = { result: { tasks: [{ taskId: 'mine' }, { taskId: 'other' }, 'nonsense'], nextCursor: 'x' } }
    const list = { method: 'tasks/list', params: {} }
    expect(await session.ask('one', list, ask)).toEqual({ result: { tasks: [{ taskId: 'mine' }], nextCursor: 'x' } })
    expect(await session.ask('three', list, ask)).toEqual({ result: { tasks: [], nextCursor: 'x' } })
  })

  it('is none where the question did not ask for one, or the client answered at once', async () => {
    const session = tasks()
    answer = { result: { task: { taskId: 'mine' } } }
    await session.ask('one', sampling({}), ask)
    answer = { result: { role: 'assistant' } }
    await session.ask('one', sampling({ task: {} }), ask)
    answer = { error: { code: -1, message: 'no' } }
    expect(await session.ask('one', sampling({ task: {} }), ask)).toEqual(answer)
    expect(session.serversOf('mine')).toEqual([])
  })

  it('is forgotten when very many have been made since', async () => {
    const session = tasks()
    for (let index = 0; index <= 1_000; index++) await make(session, 'one', `t${index}`)
    expect([session.concerns('one', 't0'), session.concerns('one', 't1')]).toEqual([undefined, true])
  })
})
