/** What clients are told of tasks: no more than the servers behind an address keep, in the form that the client speaks. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askModern, LegacySession, listOf } from '../support/raw/client.ts'
import type { Json } from '../support/raw/exchange.ts'
import { coreTasks, tasksExtension } from '../support/raw/task-server.ts'
import { begin, startTaskLab, type TaskLab } from '../support/task-lab.ts'

let lab: TaskLab

beforeAll(async () => {
  lab = await startTaskLab()
})

afterAll(() => lab[Symbol.asyncDispose]())

describe('what is promised', () => {
  const promised = async (path: string, revision?: string): Promise<unknown> => {
    const params = {
      protocolVersion: revision ?? '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'c', version: '1' },
    }
    const { url, token } = lab.at(path)
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json, text/event-stream' }
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })
    const init = { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body }
    const answer = (await (await fetch(url, init)).json()) as { result: { capabilities: Json } }
    return answer.result.capabilities['tasks']
  }

  it('is what the server has, or what all of several that have tasks have', async () => {
    const { requests } = coreTasks
    expect(await promised('/one/mcp')).toEqual(coreTasks)
    expect(await promised('/mcp/twins')).toEqual(coreTasks)
    expect(await promised('/mcp/one,none,next')).toEqual(coreTasks)
    expect(await promised('/mcp/one,some')).toEqual({ requests, cancel: {} })
    expect(await promised('/mcp/none,next')).toBeUndefined()
    expect(await promised('/next/mcp')).toBeUndefined()
    expect(await promised('/one/mcp', '2025-06-18')).toBeUndefined()
  })

  it('stands at a tool where its server keeps it in the client’s form', async () => {
    await using client = await LegacySession.open(lab.at('/mcp'))
    const tools = listOf<{ name: string; execution?: unknown }>(await client.ask('tools/list'), 'tools')
    const shown = tools.filter(({ execution }) => execution !== undefined)
    expect(shown.map(({ name }) => name)).toEqual(['one__slow', 'two__slow', 'shared__slow', 'some__slow'])
    expect(shown[0]?.execution).toEqual({ taskSupport: 'optional' })
    const modern = await askModern(lab.at('/one/mcp'), { method: 'tools/list' })
    expect(listOf(modern, 'tools').every((one) => !('execution' in one))).toBe(true)
    const discovered = await askModern(lab.at('/one/mcp'), { method: 'server/discover' })
    expect(discovered.result).not.toHaveProperty('capabilities.tasks')
  })

  it('is not there for a client of another revision or era: its call is answered at once', async () => {
    await using old = await LegacySession.open(lab.at('/one/mcp'), {}, '2025-06-18')
    const params = { name: 'slow', arguments: {}, task: { ttl: 1 } }
    const atOnce = { content: [{ type: 'text', text: 'one: at once' }] }
    expect((await old.ask('tools/call', params)).result).toEqual(atOnce)
    const large = { ...params, arguments: { text: 'x'.repeat(40_000) } }
    expect((await old.ask('tools/call', large)).result).toEqual(atOnce)
    expect((await askModern(lab.at('/one/mcp'), { method: 'tools/call', params })).result).toMatchObject(atOnce)
    await using client = await LegacySession.open(lab.at('/next/mcp'))
    expect((await client.ask('tools/call', params)).result).toEqual({
      content: [{ type: 'text', text: 'next: at once' }],
    })
    expect(lab.upstream('next').seen.at(-1)?.body['params']).not.toHaveProperty('task')
  })

  it('does not reach over the eras: what one form began, the other does not know', async () => {
    await using client = await LegacySession.open(lab.at('/one/mcp'))
    const taskId = await begin(client, 'slow')
    const asked = { method: 'tasks/get', params: { taskId }, capabilities: tasksExtension }
    const address = { ...lab.at('/one/mcp'), headers: { 'mcp-name': taskId } }
    expect((await askModern(address, asked)).error).toMatchObject({ code: -32602, data: { reason: 'no such task' } })
  })
})
