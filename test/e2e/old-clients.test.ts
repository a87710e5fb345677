/** Clients of the revisions before a content type was there get it in words that they know; newer ones get it as it is. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGateway, type GatewayProcess } from '../support/gateway-process.ts'
import { LegacySession, listOf } from '../support/raw/client.ts'
import type { Json } from '../support/raw/exchange.ts'
import { startV1Server } from '../support/sdk-v1/http-server.ts'
import { startFixture } from '../conformance/fixture-server.ts'
import { tokenFor } from '../support/tokens.ts'

const token = tokenFor('old')
const open = new AsyncDisposableStack()
let gateway: GatewayProcess

beforeAll(async () => {
  const [{ url }, modern] = [open.use(await startV1Server()), open.use(await startFixture({ era: 'modern' }))]
  const child = { command: process.execPath, args: [`${import.meta.dirname}/../support/sdk-v1/stdio-main.ts`] }
  gateway = open.use(
    await startGateway({
      servers: { http: { url }, stdio: child, modern: { url: modern.url } },
      policies: { all: { default: 'execute' } },
      tokens: [{ name: 'old', secret: token, policies: ['all'] }],
    }),
  )
}, 30_000)

afterAll(() => open.disposeAsync())

const at = (server: string) => ({ url: `${gateway.url}/${server}/mcp`, token })
const typesOf = (blocks: unknown): unknown[] => (blocks as Json[]).map(({ type }) => type)

/** What each revision's schema allows in a result. */
const revisions = [
  { revision: '2024-11-05', types: ['text', 'text', 'text'], sampled: 'text' },
  { revision: '2025-03-26', types: ['text', 'audio', 'text'], sampled: 'audio' },
  { revision: '2025-06-18', types: ['text', 'audio', 'resource_link'], sampled: 'audio' },
  { revision: '2025-11-25', types: ['text', 'audio', 'resource_link'], sampled: 'audio' },
]
const ways = ['http', 'stdio'].flatMap((server) => revisions.map((one) => ({ server, ...one })))

describe.each(ways)('a client of $revision, of a server over $server', ({ server, revision, types, sampled }) => {
  it('gets no tool result that it cannot read', async () => {
    await using client = await LegacySession.open(at(server), {}, revision)
    const { result } = await client.ask('tools/call', { name: 'media', arguments: {} })
    expect(typesOf(result?.['content'])).toEqual(types)
    expect(JSON.stringify(result)).toContain('audio/wav')
    expect(JSON.stringify(result)).toContain('test://known')
  })

  it('gets no prompt that it cannot read', async () => {
    await using client = await LegacySession.open(at(server), {}, revision)
    const messages = listOf(await client.ask('prompts/get', { name: 'media' }), 'messages')
    expect(typesOf(messages.map(({ content }) => content))).toEqual(types)
  })

  it('is asked nothing for its model that it cannot read', async () => {
    await using client = await LegacySession.open(at(server), { sampling: {} }, revision)
    const asked: Json[] = []
    const onMessage = ({ id, method, params }: Json): void => {
      if (method !== 'sampling/createMessage') return
      asked.push(...((params as Json)['messages'] as Json[]))
      void client.answer(id, { role: 'assistant', model: 'm', content: { type: 'text', text: 'heard it' } })
    }
    const { result } = await client.ask('tools/call', { name: 'sample', arguments: {} }, { onMessage })
    expect(JSON.stringify(result)).toContain('heard it')
    expect(typesOf(asked.map(({ content }) => content))).toEqual([sampled])
  })
})

it('a client of 2024-11-05 gets no audio from a modern server either', async () => {
  await using client = await LegacySession.open(at('modern'), {}, '2024-11-05')
  const { result } = await client.ask('tools/call', { name: 'test_audio_content', arguments: {} })
  expect(result?.['content']).toMatchObject([{ type: 'text', text: expect.stringContaining('audio/') }])
})

it('a client of 2025-03-26 can read through the gateway what a link names', async () => {
  await using client = await LegacySession.open({ url: `${gateway.url}/mcp`, token }, {}, '2025-03-26')
  const { result } = await client.ask('tools/call', { name: 'http__media', arguments: {} })
  const uri = /toolgate:\/\/\S+/.exec(JSON.stringify(result?.['content']).replaceAll('"', ' '))?.[0]
  expect(uri).toBe('toolgate://http/test://known')
  const read = await client.ask('resources/read', { uri })
  expect(read.result).toMatchObject({ contents: [{ text: 'known' }] })
})
