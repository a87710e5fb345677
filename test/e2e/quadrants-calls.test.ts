/** Clients of both eras in front of servers of both: what happens while a call runs, and how it ends. */
import type { Client } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { quadrants, startEraLab, type EraLab, type Quadrant } from '../support/era-lab.ts'
import { textResult, tool } from '../support/raw/exchange.ts'
import { connectV2 } from '../support/sdk-clients.ts'

let lab: EraLab
/** By era, resolved when an upstream learns that its call `wait` is no longer wanted. */
const cancelled = { legacy: Promise.withResolvers<void>(), modern: Promise.withResolvers<void>() }
const begun = { legacy: Promise.withResolvers<void>(), modern: Promise.withResolvers<void>() }

const manyTools = Array.from({ length: 2_500 }, (_, index) => tool(`tool-${index}`))
const upstreamPageSize = 700

beforeAll(async () => {
  lab = await startEraLab({
    handlers: {
      'tools/list': ({ params }) => {
        const start = Number(params['cursor'] ?? 0)
        const end = start + upstreamPageSize
        const more = end < manyTools.length ? { nextCursor: String(end) } : {}
        return { tools: manyTools.slice(start, end), ...more }
      },
      'tools/call': async (call) => {
        begun[call.era].resolve()
        await call.cancelled
        cancelled[call.era].resolve()
        return textResult('too late')
      },
    },
  })
})

afterAll(() => lab[Symbol.asyncDispose]())

const toFixture = ({ client, upstream }: Quadrant) => connectV2('http', lab.at('fixture', upstream), { era: client })
const toRaw = ({ client, upstream }: Quadrant) => connectV2('http', lab.at('raw', upstream), { era: client })

function collectLogs(client: Client): unknown[] {
  const logs: unknown[] = []
  client.setNotificationHandler('notifications/message', ({ params }) => void logs.push(params.data))
  return logs
}

describe.each(quadrants)('a $client client of a $upstream server', (quadrant) => {
  it('hears the progress of its call, then the answer', async () => {
    await using client = await toFixture(quadrant)
    const heard: unknown[] = []
    const result = await client.callTool(
      { name: 'test_tool_with_progress' },
      { onprogress: ({ progress, total }) => void heard.push([progress, total]) },
    )
    expect(heard).toEqual([
      [0, 100],
      [50, 100],
      [100, 100],
    ])
    expect(result.content).toMatchObject([{ text: 'Tool with progress completed' }])
  })

  it('hears the log messages that it asked for', async () => {
    await using client = await toFixture(quadrant)
    const logs = collectLogs(client)
    const logLevel = { 'io.modelcontextprotocol/logLevel': 'info' }
    if (quadrant.client === 'legacy') await client.setLoggingLevel('info')
    const _meta = quadrant.client === 'modern' ? logLevel : {}
    await client.callTool({ name: 'test_tool_with_logging', _meta })
    expect(logs).toEqual(['Tool execution started', 'Tool processing data', 'Tool execution completed'])
  })

  it('hears no log message below the level that it asked for', async () => {
    await using client = await toFixture(quadrant)
    const logs = collectLogs(client)
    const logLevel = { 'io.modelcontextprotocol/logLevel': 'error' }
    if (quadrant.client === 'legacy') await client.setLoggingLevel('error')
    const _meta = quadrant.client === 'modern' ? logLevel : {}
    await client.callTool({ name: 'test_tool_with_logging', _meta })
    expect(logs).toEqual([])
  })

  it('cancels, and the server learns of it', async () => {
    await using client = await toRaw(quadrant)
    const controller = new AbortController()
    const call = client.callTool({ name: 'tool-7' }, { signal: controller.signal })
    await begun[quadrant.upstream].promise
    controller.abort()
    await expect(call).rejects.toThrow(/abort/i)
    await cancelled[quadrant.upstream].promise
    cancelled[quadrant.upstream] = Promise.withResolvers()
    begun[quadrant.upstream] = Promise.withResolvers()
  })

  it('gets every tool of a list of many pages, in the order of the server', async () => {
    await using client = await toRaw(quadrant)
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(manyTools.map(({ name }) => name))
  })

  it('gets the failure of a tool as the result that it is', async () => {
    await using client = await toFixture(quadrant)
    const result = await client.callTool({ name: 'test_error_handling' })
    expect(result.isError).toBe(true)
    expect(result.content).toMatchObject([{ text: 'This tool intentionally returns an error for testing' }])
  })

  it('is told that a tool does not exist', async () => {
    await using client = await toFixture(quadrant)
    await expect(client.callTool({ name: 'no_such_tool' })).rejects.toMatchObject({ code: -32602 })
  })
})

describe('a modern client of a legacy server', () => {
  it('hears no log message that it did not ask for', async () => {
    await using client = await toFixture({ client: 'modern', upstream: 'legacy' })
    const logs = collectLogs(client)
    await client.callTool({ name: 'test_tool_with_logging' })
    expect(logs).toEqual([])
  })
})
