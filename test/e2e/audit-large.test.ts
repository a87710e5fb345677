/** An answer too large to be held goes through as bytes; what is recorded of it is true all the same. */
import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditOf } from '../support/audit-trail.ts'
import { openLegacy, openModern } from '../support/raw-client.ts'
import { startRawGateway, type RawGateway } from '../support/raw-gateway.ts'
import { rawUpstream, toServer, type Handler, type RawUpstream } from '../support/raw-upstream.ts'

const large = 'x'.repeat(1_000_000)
const content = [{ type: 'text', text: large }]
const answer =
  (result: object): Handler =>
  (x) =>
    x.result({ resultType: 'complete', ...result })
const text =
  (body: (id: string) => string): Handler =>
  (x) =>
    x.json(body(JSON.stringify(x.message['id'])))

const calls: Record<string, Handler> = {
  well: answer({ content, structuredContent: { isError: true, error: { code: 1 } } }),
  'fails first': answer({ isError: true, content }),
  'fails last': answer({ content, isError: true }),
  refuses: text((id) => `{"jsonrpc":"2.0","id":${id},"error":{"code":-32603,"message":"${large}"}}`),
  breaks: text(
    (id) => `{"jsonrpc":"2.0","id":${id},"result":{"content":[],"a":"${large}","b":{"c":[},"d":"${large}"}}`,
  ),
  'is cut off': text((id) => `{"jsonrpc":"2.0","id":${id},"result":{"content":[],"a":"${large}"}`),
}

let upstreams: Record<'old' | 'recent', RawUpstream>
let gateway: RawGateway

beforeAll(async () => {
  upstreams = { old: await rawUpstream({ calls }), recent: await rawUpstream({ era: 'modern', calls }) }
  gateway = await startRawGateway({ servers: Object.entries(upstreams).map(([name, one]) => toServer(name, one)) })
})

afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
  for (const upstream of Object.values(upstreams)) await upstream[Symbol.asyncDispose]()
  assert.deepEqual(gateway.defects, [])
})

const expected = [
  ['well', 'ok'],
  ['fails first', 'tool_error'],
  ['fails last', 'tool_error'],
  ['refuses', 'error'],
] as const

describe('the outcome of a large answer', () => {
  it.each(expected)('of a modern server that %s is %s', async (name, outcome) => {
    const client = openModern(gateway, { path: '/recent/mcp' })
    await client.request('tools/list')
    let answered: Record<string, unknown> = {}
    const events = await auditOf(gateway, async () => (answered = await client.request('tools/call', { name })))
    expect(events.map((event) => [event.target, event.outcome])).toEqual([[name, outcome]])
    expect(JSON.stringify(answered).length).toBeGreaterThan(large.length)
  })

  it.each(expected)('of a legacy server that %s is %s', async (name, outcome) => {
    const client = await openLegacy(gateway, { path: '/old/mcp' })
    await client.request('tools/list')
    let answered: Record<string, unknown> = {}
    const events = await auditOf(gateway, async () => (answered = await client.request('tools/call', { name })))
    expect(events.map((event) => [event.target, event.outcome])).toEqual([[name, outcome]])
    expect(JSON.stringify(answered).length).toBeGreaterThan(large.length)
  })

  it.each(['breaks', 'is cut off'])(
    'that %s is upstream_protocol, and the client does not take it for whole',
    async (name) => {
      const client = openModern(gateway, { path: '/recent/mcp' })
      await client.request('tools/list')
      const events = await auditOf(gateway, () =>
        expect(client.request('tools/call', { name })).rejects.toThrow('aborted'),
      )
      expect(events.map((event) => [event.target, event.outcome])).toEqual([[name, 'upstream_protocol']])
    },
  )
})
