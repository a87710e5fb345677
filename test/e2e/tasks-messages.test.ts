/** What a server says and asks about a task that runs: who hears it, on which stream, and by which name. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LegacySession } from '../support/raw/client.ts'
import type { Json } from '../support/raw/exchange.ts'
import { relatedTo } from '../support/raw/task-server.ts'
import { begin, ownId, startTaskLab, type TaskLab } from '../support/task-lab.ts'
import { until } from '../support/until.ts'

let lab: TaskLab

beforeAll(async () => {
  lab = await startTaskLab()
})

afterAll(() => lab[Symbol.asyncDispose]())

describe('what a server says of a task', () => {
  it('reaches its owner alone, under the owner’s id for it', async () => {
    await using ann = await LegacySession.open(lab.at('/mcp/shared,one'))
    await using bob = await LegacySession.open(lab.at('/mcp/shared,one', 'bob'))
    const heard: Record<'ann' | 'bob', Json[]> = { ann: [], bob: [] }
    const streams = [
      await ann.follow((message) => heard.ann.push(message)),
      await bob.follow((message) => heard.bob.push(message)),
    ]
    const ofAnn = await begin(ann, 'shared__slow')
    const ofBob = await begin(bob, 'shared__slow')
    const status = (taskId: string) => ({ taskId: ownId(taskId), status: 'working', ttl: null })
    lab.upstream('shared').announce('notifications/tasks/status', status('shared:unknown'))
    lab
      .upstream('shared')
      .announce('notifications/message', { level: 'error', data: 'a secret', _meta: relatedTo(ownId(ofAnn)) })
    lab.upstream('shared').announce('notifications/tasks/status', status(ofAnn))
    lab.upstream('shared').announce('notifications/tasks/status', status(ofBob))
    await until('both have heard', () => heard.ann.length >= 2 && heard.bob.length >= 1)
    expect(heard.ann.map(({ params }) => params)).toEqual([
      { level: 'error', data: 'a secret', _meta: relatedTo(ofAnn) },
      { ...status(ofAnn), taskId: ofAnn },
    ])
    expect(heard.bob.map(({ params }) => params)).toEqual([{ ...status(ofBob), taskId: ofBob }])
    for (const stream of streams) stream.close()
  })

  it('is asked of its owner on the stream of its result, and the answer names the task as the server does', async () => {
    const answers: Json[] = []
    const give = lab.handler('one', 'tasks/result')
    using _asking = lab.replace('one', {
      'tasks/result': async (call) => {
        const _meta = relatedTo(call.params['taskId'])
        call.notify('notifications/message', { level: 'info', data: 'asking', _meta })
        answers.push(await call.ask('elicitation/create', { message: 'Which?', _meta }))
        lab.server('one').complete(String(call.params['taskId']), 'after the question')
        return give(call)
      },
    })
    await using client = await LegacySession.open(lab.at('/mcp'), { elicitation: {} })
    const taskId = await begin(client, 'one__slow')
    const heard: Json[] = []
    const onMessage = (message: Json): void => {
      if (typeof message['method'] !== 'string') return
      heard.push({ method: message['method'], meta: (message['params'] as Json)['_meta'] })
      if (message['method'] !== 'elicitation/create') return
      void client.answer(message['id'], { action: 'accept', content: {}, _meta: relatedTo(taskId) })
    }
    const answer = await client.ask('tasks/result', { taskId }, { onMessage })
    expect(answer.result).toMatchObject({ content: [{ text: 'after the question' }, {}], _meta: relatedTo(taskId) })
    expect(heard).toEqual([
      { method: 'notifications/message', meta: relatedTo(taskId) },
      { method: 'elicitation/create', meta: relatedTo(taskId) },
    ])
    expect(answers).toMatchObject([{ result: { action: 'accept', _meta: relatedTo(ownId(taskId)) } }])
  })

  it('goes on to say how far it is under the token of the call that began it', async () => {
    const heard: Json[] = []
    const [make, give] = [lab.handler('one', 'tools/call'), lab.handler('one', 'tasks/result')]
    let token: unknown
    using _progressing = lab.replace('one', {
      'tools/call': (call) => {
        token = (call.params['_meta'] as Json)['progressToken']
        return make(call)
      },
      'tasks/result': async (call) => {
        call.notify('notifications/progress', { progressToken: token, progress: 2 })
        await until('the client has heard', () => heard.length === 2)
        lab.server('one').complete(String(call.params['taskId']), 'done')
        return give(call)
      },
    })
    const onMessage = (message: Json): void => {
      if (message['method'] === 'notifications/progress') heard.push(message['params'] as Json)
    }
    await using client = await LegacySession.open(lab.at('/one/mcp'))
    const stream = await client.follow(onMessage)
    const taskId = await begin(client, 'slow', { _meta: { progressToken: 'mine' } })
    expect(token).not.toBe('mine')
    lab.upstream('one').announce('notifications/progress', { progressToken: token, progress: 1 })
    await until('the progress has come', () => heard.length === 1)
    await client.ask('tasks/result', { taskId }, { onMessage })
    stream.close()
    expect(heard).toEqual([
      { progressToken: 'mine', progress: 1 },
      { progressToken: 'mine', progress: 2 },
    ])
  })
})

describe('a task that the client makes of a server’s question', () => {
  it('is followed by that server alone, which is told how it gets on', async () => {
    const answers: Json[] = []
    const sampling = { messages: [], maxTokens: 1, task: { ttl: 60_000 } }
    using _asking = lab.replace('one', {
      'tools/call': async (call) => {
        answers.push(await call.ask('sampling/createMessage', sampling))
        for (const method of ['tasks/get', 'tasks/result', 'tasks/list'])
          answers.push(await call.ask(method, { taskId: 'mine' }))
        return { content: [] }
      },
    })
    using _prying = lab.replace('two', {
      'tools/call': async (call) => {
        for (const method of ['tasks/get', 'tasks/cancel', 'tasks/list'])
          answers.push(await call.ask(method, { taskId: 'mine' }))
        return { content: [] }
      },
    })
    const requests = { sampling: { createMessage: {} } }
    await using client = await LegacySession.open(lab.at('/mcp/twins'), { sampling: {}, tasks: { list: {}, requests } })
    const task = { taskId: 'mine', status: 'working', ttl: null }
    const replies: Record<string, Json> = {
      'sampling/createMessage': { task },
      'tasks/get': task,
      'tasks/result': { role: 'assistant', model: 'm', content: { type: 'text', text: 'later' } },
      'tasks/list': { tasks: [task, { ...task, taskId: 'for-others' }] },
    }
    const asked: unknown[] = []
    const onMessage = (message: Json): void => {
      if (typeof message['method'] !== 'string') return
      asked.push(message['method'])
      void client.answer(message['id'], replies[message['method']] ?? {})
    }
    await client.ask('tools/call', { name: 'one__plain' }, { onMessage })
    const results = answers.splice(0).map(({ result }) => result)
    expect(results).toEqual([{ task }, task, replies['tasks/result'], { tasks: [task] }])
    await client.ask('tools/call', { name: 'two__plain' }, { onMessage })
    const noSuchTask = { error: { code: -32602, data: { reason: 'no such task' } } }
    expect(answers).toMatchObject([noSuchTask, noSuchTask, { result: { tasks: [] } }])
    expect(asked).toEqual(['sampling/createMessage', 'tasks/get', 'tasks/result', 'tasks/list', 'tasks/list'])
    await client.notify('notifications/tasks/status', { ...task, status: 'completed' })
    const heardBy = (name: 'one' | 'two') => lab.upstream(name).count('notifications/tasks/status')
    await until('the server has been told', () => heardBy('one') === 1)
    expect(heardBy('two')).toBe(0)
    const init = lab.upstream('one').seen.findLast(({ body }) => body['method'] === 'initialize')
    expect(init?.body['params']).toMatchObject({ capabilities: { tasks: { list: {}, requests } } })
  })
})
