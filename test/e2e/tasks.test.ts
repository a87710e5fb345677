/** The core tasks of 2025-11-25 through the gateway, message by message: whose they are, and where they lead. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LegacySession, listOf } from '../support/raw/client.ts'
import { RpcFailure, type Json } from '../support/raw/exchange.ts'
import { relatedTo } from '../support/raw/task-server.ts'
import { begin, ownId, refusalOf, startTaskLab, type TaskLab } from '../support/task-lab.ts'
import { until } from '../support/until.ts'

let lab: TaskLab

beforeAll(async () => {
  lab = await startTaskLab()
})

afterAll(() => lab[Symbol.asyncDispose]())

describe('a task of one of two servers that give the same ids', () => {
  it('is followed at its own server, by the id that its maker was given', async () => {
    await using client = await LegacySession.open(lab.at('/mcp/twins'))
    const [one, two] = [await begin(client, 'one__slow'), await begin(client, 'two__slow')]
    expect(ownId(one)).toBe(ownId(two))
    expect(one).not.toBe(two)
    for (const [name, taskId] of [
      ['one', one],
      ['two', two],
    ] as const) {
      const got = await client.ask('tasks/get', { taskId })
      expect(got.result).toMatchObject({ taskId, status: 'working', statusMessage: name, ttl: 60_000 })
      const result = client.ask('tasks/result', { taskId })
      await until('the result is waited for', () => lab.upstream(name).count('tasks/result') > 0)
      lab.server(name).complete(ownId(taskId), `from ${name}`)
      expect((await result).result).toEqual({
        content: [
          { type: 'text', text: `from ${name}` },
          { type: 'resource_link', uri: `toolgate://${name}/test://made`, name: 'made' },
        ],
        _meta: relatedTo(taskId),
      })
      expect(lab.upstream(name).seen.at(-1)?.body['params']).toMatchObject({ taskId: ownId(taskId) })
    }
  })

  it('is cancelled alone', async () => {
    await using client = await LegacySession.open(lab.at('/mcp/twins'))
    const [one, two] = [await begin(client, 'one__slow'), await begin(client, 'two__slow')]
    const cancelled = await client.ask('tasks/cancel', { taskId: one })
    expect(cancelled.result).toMatchObject({ taskId: one, status: 'cancelled' })
    expect(lab.server('two').tasks.get(ownId(two))).toMatchObject({ status: 'working' })
  })

  it('is the same task at the server’s own address, under the server’s own id', async () => {
    await using all = await LegacySession.open(lab.at('/mcp'))
    await using alone = await LegacySession.open(lab.at('/one/mcp'))
    const exposed = await begin(all, 'one__slow')
    expect((await alone.ask('tasks/get', { taskId: ownId(exposed) })).result).toMatchObject({ taskId: ownId(exposed) })
    const own = await begin(alone, 'slow')
    expect(own).toMatch(/^task-\d+$/)
    expect((await all.ask('tasks/get', { taskId: `one:${own}` })).result).toMatchObject({ taskId: `one:${own}` })
  })
})

describe.each(['/one/mcp', '/mcp', '/shared/mcp'])('a task made at %s', (path) => {
  const name = path === '/shared/mcp' ? 'shared' : 'one'
  const tool = path === '/mcp' ? 'one__slow' : 'slow'

  it('is to everybody else as if it did not exist, and its server is not asked', async () => {
    await using ann = await LegacySession.open(lab.at(path))
    const taskId = await begin(ann, tool)
    await using bob = await LegacySession.open(lab.at(path, 'bob'))
    await using eve = await LegacySession.open(lab.at(path, 'eve'))
    const before = lab.upstream(name).seen.length
    for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
      const unknown = refusalOf(await ann.ask(method, { taskId: 'one:nothing' }))
      expect(unknown).toMatchObject({ code: -32602, data: { reason: 'no such task' } })
      for (const other of [bob, eve]) expect(refusalOf(await other.ask(method, { taskId }))).toEqual(unknown)
    }
    expect(listOf(await bob.ask('tasks/list'), 'tasks')).toEqual([])
    expect(
      lab
        .upstream(name)
        .seen.slice(before)
        .filter((seen) => seen.method.startsWith('tasks/')),
    ).toEqual([])
    expect((await ann.ask('tasks/get', { taskId })).result).toMatchObject({ taskId })
  })
})

describe('the list of tasks', () => {
  it('is every server’s, cut to the caller’s own', async () => {
    await using bob = await LegacySession.open(lab.at('/mcp', 'bob'))
    await begin(bob, 'one__slow')
    await using ann = await LegacySession.open(lab.at('/mcp/twins'))
    const before = listOf<{ taskId: string }>(await ann.ask('tasks/list'), 'tasks').map(({ taskId }) => taskId)
    const made = [await begin(ann, 'one__slow'), await begin(ann, 'two__slow')]
    const after = await ann.ask('tasks/list')
    const ids = listOf<{ taskId: string }>(after, 'tasks').map(({ taskId }) => taskId)
    expect(new Set(ids)).toEqual(new Set([...before, ...made]))
    expect(listOf(after, 'tasks').at(-1)).toMatchObject({ status: 'working', ttl: 60_000 })
    expect(after.result).not.toHaveProperty('_meta')
  })

  it('is read page by page, as far as the caller has tasks, and with cursors of the gateway’s own', async () => {
    using _paged = lab.replace('two', {
      'tasks/list': ({ params }) => {
        const all = [...lab.server('two').tasks.values()]
        const start = Number(params['cursor'] ?? 0)
        return { tasks: all.slice(start, start + 1), ...(start + 1 < all.length && { nextCursor: String(start + 1) }) }
      },
    })
    await using bob = await LegacySession.open(lab.at('/two/mcp', 'bob'))
    const made = [await begin(bob, 'slow'), await begin(bob, 'slow')]
    const answer = await bob.ask('tasks/list')
    expect(listOf<{ taskId: string }>(answer, 'tasks').map(({ taskId }) => taskId)).toEqual(made)
    expect((await bob.ask('tasks/list', { cursor: '1' })).error).toMatchObject({ code: -32602 })
  })

  it('lacks the tasks of a server that does not answer in time, or refuses, and no others', async () => {
    await using client = await LegacySession.open(lab.at('/mcp/twins'))
    const [one, two] = [await begin(client, 'one__slow'), await begin(client, 'two__slow')]
    const refuse = (): never => {
      throw new RpcFailure(-32603, 'secret words')
    }
    for (const [fault, reason] of [
      [() => new Promise<Json>(() => undefined), 'upstream_timeout'],
      [refuse, 'upstream_protocol'],
    ] as const) {
      using _failing = lab.replace('one', { 'tasks/list': fault })
      const answer = await client.ask('tasks/list')
      const ids = listOf<{ taskId: string }>(answer, 'tasks').map(({ taskId }) => taskId)
      expect([ids.includes(one), ids.includes(two)]).toEqual([false, true])
      expect(answer.result?.['_meta']).toEqual({ 'toolgate/servers': [{ name: 'one', status: 'failing', reason }] })
      expect(JSON.stringify(answer)).not.toContain('secret words')
    }
    await using alone = await LegacySession.open(lab.at('/one/mcp'))
    using refusing = lab.replace('one', { 'tasks/list': refuse })
    expect((await alone.ask('tasks/list')).error).toMatchObject({ data: { code: 'upstream_protocol' } })
    refusing[Symbol.dispose]()
    expect(listOf(await alone.ask('tasks/list'), 'tasks').length).toBeGreaterThan(0)
  })
})
