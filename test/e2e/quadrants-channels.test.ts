/** The same over the other transports, where all servers stand together: questions, progress and changes find their client. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startEraLab, type EraLab } from '../support/era-lab.ts'
import { tool, textResult } from '../support/raw/exchange.ts'
import { connectV2, type Wire } from '../support/sdk-clients.ts'
import type { Era } from '../support/raw/exchange.ts'
import { until } from '../support/until.ts'

let lab: EraLab
let generation = 1
const capabilities = { elicitation: { form: {} }, roots: { listChanged: true } }

beforeAll(async () => {
  lab = await startEraLab({
    handlers: {
      'tools/list': () => ({ tools: [tool(`tool-${generation}`), tool('ask')] }),
      'tools/call': () => textResult('done'),
    },
  })
})

afterAll(() => lab[Symbol.asyncDispose]())

const ways: { client: Era; wire: Wire; upstream: Era }[] = (['legacy', 'modern'] as const).flatMap((upstream) => [
  { client: 'legacy', wire: 'http', upstream },
  { client: 'modern', wire: 'http', upstream },
  { client: 'legacy', wire: 'sse', upstream },
  { client: 'legacy', wire: 'ws', upstream },
  { client: 'modern', wire: 'ws', upstream },
])
const suffixes: Record<Wire, string> = { http: '', sse: '/sse', ws: '/ws' }

const open = ({ client, wire }: (typeof ways)[number]) =>
  connectV2(wire, { ...lab.everywhere, url: lab.everywhere.url + suffixes[wire] }, { era: client, capabilities })

describe.each(ways)('a $client client over $wire, of a $upstream server among others', (way) => {
  it('is asked, and its answer reaches the tool', async () => {
    await using client = await open(way)
    client.setRequestHandler('elicitation/create', ({ params }) => ({
      action: 'accept',
      content: { username: params.message, email: 'ada@example.com' },
    }))
    const name = `fixture-${way.upstream}__test_elicitation`
    const result = await client.callTool({ name, arguments: { message: 'Who are you?' } })
    expect(JSON.stringify(result.content)).toContain('ada@example.com')
  })

  it('hears the progress of two calls at once, each its own', async () => {
    await using client = await open(way)
    const name = `fixture-${way.upstream}__test_tool_with_progress`
    const heard: number[][] = [[], []]
    const calls = heard.map((own) =>
      client.callTool({ name }, { onprogress: ({ progress }) => void own.push(progress) }),
    )
    await Promise.all(calls)
    // The SDK's SSE client forgets who wanted progress when the answer comes in the same turn as the last of it.
    const expected = way.wire === 'sse' ? [0, 50] : [0, 50, 100]
    expect(heard.map((own) => own.slice(0, expected.length))).toEqual([expected, expected])
  })

  it('hears that a list has changed', async () => {
    await using client = await open(way)
    const heard: string[] = []
    client.setNotificationHandler('notifications/tools/list_changed', () => void heard.push('tools'))
    const subscription = way.client === 'modern' ? await client.listen({ toolsListChanged: true }) : null
    await client.listTools()
    await until('the gateway listens upstream', () =>
      lab.raw[way.upstream].seen.some(({ http, method }) => http === 'GET' || method === 'subscriptions/listen'),
    )
    generation++
    lab.raw[way.upstream].announce('notifications/tools/list_changed')
    await until('the change is heard of', () => heard.length > 0)
    const names = (await client.listTools()).tools.map((listed) => listed.name)
    expect(names).toContain(`raw-${way.upstream}__tool-${generation}`)
    await subscription?.close()
  })
})

describe('a legacy client whose roots have changed', () => {
  it.each(['http', 'sse', 'ws'] as const)('over %s has its legacy server told so', async (wire) => {
    await using client = await open({ client: 'legacy', wire, upstream: 'legacy' })
    await client.callTool({ name: 'raw-legacy__ask' })
    const before = lab.raw.legacy.count('notifications/roots/list_changed')
    await client.sendRootsListChanged()
    await until('the server is told', () => lab.raw.legacy.count('notifications/roots/list_changed') > before)
    expect(lab.raw.legacy.count('notifications/roots/list_changed')).toBe(before + 1)
  })
})
