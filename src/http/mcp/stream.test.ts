import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exchange, type RawEvents } from '#test/support/raw-http.ts'
import { openLegacy, type LegacyClient } from '#test/support/raw-client.ts'
import { startRawGateway, type RawGateway } from '#test/support/raw-gateway.ts'
import { until } from '#test/support/until.ts'

let gateway: RawGateway

beforeAll(async () => {
  gateway = await startRawGateway({ servers: [] })
})

afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
})

function sessionOf(client: LegacyClient) {
  const session = [...gateway.engine.sessions].find(({ id }) => id === client.id)
  if (!session) throw new Error('the session is not open')
  return session
}

const change = (client: LegacyClient, kind: 'tools' | 'prompts' = 'tools') => sessionOf(client).listChanged('', kind)
const isChange = (kind: string) => (message: Record<string, unknown>) =>
  message['method'] === `notifications/${kind}/list_changed`

/** Without the replica, which is random. */
const placesIn = (stream: RawEvents): string[] => stream.all.map(({ id }) => id.split('@', 1)[0] ?? '')

function idOf(stream: RawEvents, place: string): string {
  return stream.all.find(({ id }) => id.startsWith(`${place}@replica_`))?.id ?? ''
}

async function lose(client: LegacyClient, stream: RawEvents): Promise<void> {
  stream.close()
  await until('nobody listens', () => !sessionOf(client).isBusy)
}

describe('the stream for what belongs to no request', () => {
  it('begins with an id to resume from, and tells what happens', async () => {
    const client = await openLegacy(gateway)
    const stream = await client.listen()
    expect(stream.headers['mcp-session-id']).toBe(client.id)
    change(client)
    await stream.message(isChange('tools'))
    expect(placesIn(stream)).toEqual(['s1_0', 's1_1'])
    stream.close()
  })

  it('has no ids for a revision that does not know them', async () => {
    const client = await openLegacy(gateway, { revision: '2025-06-18' })
    const stream = await client.listen()
    await until('it listens', () => sessionOf(client).isBusy)
    change(client)
    await stream.message(isChange('tools'))
    expect(placesIn(stream)).toEqual([''])
    stream.close()
  })

  it('tells what it had not told, and goes on telling, when a client comes back for the rest', async () => {
    const client = await openLegacy(gateway)
    const first = await client.listen()
    change(client)
    await first.message(isChange('tools'))
    change(client, 'prompts')
    await first.message(isChange('prompts'))
    await lose(client, first)
    const second = await client.listen({ 'last-event-id': idOf(first, 's1_1') })
    await second.message(isChange('prompts'))
    change(client)
    await second.message(isChange('tools'))
    expect(placesIn(second)).toEqual(['s1_1', 's1_2', 's1_3'])
    second.close()
  })

  it('is a new one for a client that comes back to one that nobody knows any more', async () => {
    const client = await openLegacy(gateway)
    const stream = await client.listen({ 'last-event-id': '77_3' })
    change(client)
    expect(await stream.message(isChange('tools'))).toBeDefined()
    expect(gateway.defects).toEqual([])
    stream.close()
  })

  it('is none for a client that comes back for an answer that is not kept', async () => {
    const client = await openLegacy(gateway)
    const standing = await client.listen()
    await standing.find(({ id }) => id !== '')
    const lost = await client.listen({ 'last-event-id': idOf(standing, 's1_0').replace('s1_0', '9_0') })
    await lost.ended
    expect([lost.status, lost.text()]).toEqual([410, expect.stringContaining('event_unknown')])
    change(client)
    expect(await standing.message(isChange('tools'))).toBeDefined()
    const other = await client.listen({ 'last-event-id': idOf(standing, 's1_0').replace('s1_0', 's9_0') })
    await other.find(({ id }) => id.startsWith('s2_0@'))
    other.close()
    standing.close()
  })

  it('is heard by who listened last', async () => {
    const client = await openLegacy(gateway)
    const older = await client.listen()
    const newer = await client.listen()
    await newer.find(({ id }) => id.startsWith('s2_0@'))
    change(client)
    await newer.message(isChange('tools'))
    expect(placesIn(older)).toEqual(['s1_0'])
    older.close()
    newer.close()
  })

  it('holds nothing of connections that have gone', async () => {
    const client = await openLegacy(gateway)
    for (let i = 0; i < 20; i++) await lose(client, await client.listen())
    expect(gateway.http.counts.replies).toBe(0)
    const stream = await client.listen()
    await client.end()
    await stream.ended
  })
})

describe('the end of a session', () => {
  it('is asked for with DELETE, and ends its stream', async () => {
    const client = await openLegacy(gateway)
    const stream = await client.listen()
    expect(await client.end()).toMatchObject({ status: 204 })
    await stream.ended
    expect(await client.post({ jsonrpc: '2.0', id: 1, method: 'ping' })).toMatchObject({ status: 404 })
  })
})

describe('what is refused', () => {
  it.each<[string, Record<string, string>, number]>([
    ['no session', { 'mcp-session-id': '' }, 404],
    ['another session', { 'mcp-session-id': 'mcp_unknown' }, 404],
    ['a client that takes no events', { accept: 'application/json' }, 406],
    ['another revision', { 'mcp-protocol-version': '2026-07-28' }, 400],
  ])('a stream for %s', async (_what, headers, status) => {
    const client = await openLegacy(gateway)
    const all = { ...client.headers, accept: 'text/event-stream', ...headers }
    expect(await exchange(`${gateway.url}/mcp`, { headers: all })).toMatchObject({ status })
  })
})
