/** What happens outside calls, a list that changes or a resource that is updated, reaches the clients that want to hear of it. */
import type { Client, McpSubscription } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { quadrants, startEraLab, type EraLab, type Quadrant } from '../support/era-lab.ts'
import { LegacySession } from '../support/raw/client.ts'
import { tool, type Json } from '../support/raw/exchange.ts'
import { connectV2 } from '../support/sdk-clients.ts'
import { until } from '../support/until.ts'

let lab: EraLab
const soonMs = 500
const uris = ['test://watched', 'test://other']
/** Grows when a list changes, so that a stale list is told from a fresh one. */
const generation = { tools: 1, prompts: 1, resources: 1 }

beforeAll(async () => {
  const listChanged = { listChanged: true }
  lab = await startEraLab({
    capabilities: { tools: listChanged, prompts: listChanged, resources: { ...listChanged, subscribe: true } },
    handlers: {
      'tools/list': () => ({ tools: [tool(`tool-${generation.tools}`)] }),
      'prompts/list': () => ({ prompts: [{ name: `prompt-${generation.prompts}` }] }),
      'resources/list': () => ({
        resources: [...uris, `test://${generation.resources}`].map((uri) => ({ uri, name: uri })),
      }),
      'resources/templates/list': () => ({ resourceTemplates: [] }),
    },
  })
})

afterAll(() => lab[Symbol.asyncDispose]())

const kinds = ['tools', 'prompts', 'resources'] as const
type Kind = (typeof kinds)[number]

const connect = ({ client, upstream }: Quadrant, where: 'alone' | 'together') =>
  connectV2('http', where === 'alone' ? lab.at('raw', upstream) : lab.everywhere, { era: client })

const namesIn: Record<Kind, (client: Client) => Promise<string[]>> = {
  tools: async (client) => (await client.listTools()).tools.map(({ name }) => name),
  prompts: async (client) => (await client.listPrompts()).prompts.map(({ name }) => name),
  resources: async (client) => (await client.listResources()).resources.map(({ uri }) => uri),
}

/** Hears of changes as a client of its era does. */
async function hearChanges(
  client: Client,
  era: Quadrant['client'],
): Promise<{ heard: string[]; stop: () => Promise<void> }> {
  const heard: string[] = []
  for (const kind of kinds)
    client.setNotificationHandler(`notifications/${kind}/list_changed`, () => void heard.push(kind))
  const filter = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true }
  const subscription = era === 'modern' ? await client.listen(filter) : null
  return { heard, stop: async () => subscription?.close() }
}

/** The gateway's own stream to the upstream opens a moment after its session: nothing said before it can be heard. */
const untilListening = ({ upstream }: Quadrant): Promise<void> =>
  until('the gateway listens upstream', () =>
    lab.raw[upstream].seen.some(({ http, method }) => http === 'GET' || method === 'subscriptions/listen'),
  )

describe.each(quadrants)('a $client client of a $upstream server', (quadrant) => {
  it.each(kinds)(
    'hears within half a second that the list of %s has changed, and then gets the new one',
    async (kind) => {
      await using client = await connect(quadrant, 'alone')
      const { heard, stop } = await hearChanges(client, quadrant.client)
      const before = await namesIn[kind](client)
      await untilListening(quadrant)
      generation[kind]++
      lab.raw[quadrant.upstream].announce(`notifications/${kind}/list_changed`)
      await until(`${kind} are heard of`, () => heard.includes(kind), { timeoutMs: soonMs })
      const after = await namesIn[kind](client)
      expect(after).not.toEqual(before)
      expect(after.at(-1)).toContain(String(generation[kind]))
      expect(heard.filter((name) => name !== kind)).toEqual([])
      await stop()
    },
  )

  it('hears of a change where all servers stand together', async () => {
    await using client = await connect(quadrant, 'together')
    const { heard, stop } = await hearChanges(client, quadrant.client)
    await namesIn.tools(client)
    await untilListening(quadrant)
    generation.tools++
    lab.raw[quadrant.upstream].announce('notifications/tools/list_changed')
    await until('tools are heard of', () => heard.includes('tools'), { timeoutMs: soonMs })
    expect(await namesIn.tools(client)).toContain(`raw-${quadrant.upstream}__tool-${generation.tools}`)
    await stop()
  })

  it.each(['alone', 'together'] as const)(
    'hears of the resource that it watches, and of no other (%s)',
    async (where) => {
      const upstream = lab.raw[quadrant.upstream]
      await using client = await connect(quadrant, where)
      const updated: string[] = []
      client.setNotificationHandler('notifications/resources/updated', ({ params }) => void updated.push(params.uri))
      const prefix = where === 'alone' ? '' : `toolgate://raw-${quadrant.upstream}/`
      const [watched = '', other = ''] = uris
      const start = upstream.seen.length
      const subscription = await watch(client, quadrant, prefix + watched)
      await until('the server is asked to watch', () => isWatching(quadrant, watched, start))
      upstream.announce('notifications/resources/updated', { uri: other })
      upstream.announce('notifications/resources/updated', { uri: watched })
      await until('the update is heard of', () => updated.length > 0, { timeoutMs: soonMs })
      expect(updated).toEqual([prefix + watched])
      await (subscription ? subscription.close() : client.unsubscribeResource({ uri: prefix + watched }))
    },
  )
})

function watch(client: Client, { client: era }: Quadrant, uri: string): Promise<McpSubscription | null> {
  if (era === 'modern') return client.listen({ resourceSubscriptions: [uri] })
  return client.subscribeResource({ uri }).then(() => null)
}

/** @param start how many requests the upstream had seen before */
function isWatching({ upstream }: Quadrant, uri: string, start: number): boolean {
  return lab.raw[upstream].seen.slice(start).some(({ method, body }) => {
    const params = body['params'] as Json
    if (method === 'resources/subscribe') return params['uri'] === uri
    return method === 'subscriptions/listen' && JSON.stringify(params['notifications']).includes(uri)
  })
}

describe('a legacy client', () => {
  it('hears no more of a resource that it no longer watches', async () => {
    const [uri = ''] = uris
    await using session = await LegacySession.open(lab.at('raw', 'legacy'))
    const heard: unknown[] = []
    const stream = await session.follow((message) => heard.push(message['method']))
    await session.ask('resources/subscribe', { uri })
    await session.ask('resources/unsubscribe', { uri })
    await until('the server is told', () => lab.raw.legacy.count('resources/unsubscribe') > 0)
    lab.raw.legacy.announce('notifications/resources/updated', { uri })
    // Said after it and heard on the same stream: whatever was to come before it has come.
    lab.raw.legacy.announce('notifications/tools/list_changed')
    await until('the later message is heard', () => heard.includes('notifications/tools/list_changed'))
    expect(heard).not.toContain('notifications/resources/updated')
    stream.close()
  })
})

describe('a modern server', () => {
  it('is heard while the gateway changes what it listens to', async () => {
    const upstream = lab.raw.modern
    await using session = await LegacySession.open(lab.at('raw', 'modern'))
    const heard: unknown[] = []
    const stream = await session.follow((message) => heard.push(message['method']))
    await session.ask('tools/list')
    await untilListening({ client: 'legacy', upstream: 'modern' })
    const acknowledged = Promise.withResolvers<void>()
    upstream.beforeListen = () => acknowledged.promise
    const start = upstream.count('subscriptions/listen')
    const subscribed = session.ask('resources/subscribe', { uri: 'test://other' })
    await until('the gateway asks for more', () => upstream.count('subscriptions/listen') > start)
    upstream.announce('notifications/tools/list_changed')
    await until('the change is heard of', () => heard.includes('notifications/tools/list_changed'))
    expect(heard).toContain('notifications/tools/list_changed')
    delete upstream.beforeListen
    acknowledged.resolve()
    expect((await subscribed).result).toEqual({})
    stream.close()
  })
})
