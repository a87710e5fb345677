/** Lists are asked for once and believed until there is a reason not to; a server that fails costs its own tools only. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listenOnLoopback } from '../conformance/loopback-server.ts'
import { createServer } from 'node:http'
import { findFreePort } from '../support/free-port.ts'
import { startGateway, type GatewayProcess } from '../support/gateway-process.ts'
import { askModern, type Address } from '../support/raw/client.ts'
import { tool, type Json, type RawHandler } from '../support/raw/exchange.ts'
import { startRawUpstream, type RawUpstream } from '../support/raw/http-upstream.ts'
import { connectV2 } from '../support/sdk-clients.ts'
import { tokenFor } from '../support/tokens.ts'
import { until } from '../support/until.ts'

const listingTimeoutMs = 600
const slowMs = 250
const shortTtlMs = 300
const healthy = ['slow-1', 'slow-2', 'slow-3', 'slow-4']

const open = new AsyncDisposableStack()
let gateway: GatewayProcess
let legacy: RawUpstream
let modern: RawUpstream
let shortLived: RawUpstream
let crowded: RawUpstream
const hanging = Promise.withResolvers<void>()

const slowList: RawHandler = async () => {
  await new Promise((resolve) => setTimeout(resolve, slowMs))
  return { tools: [tool('work')] }
}
const hangingList: RawHandler = async () => {
  await hanging.promise
  return { tools: [tool('late')] }
}

beforeAll(async () => {
  legacy = open.use(await startRawUpstream(['legacy']))
  modern = open.use(await startRawUpstream(['modern']))
  shortLived = open.use(await startRawUpstream(['legacy']))
  crowded = open.use(await startRawUpstream(['legacy'], { handlers: { 'tools/list': slowList } }))
  const slow = await Promise.all(
    healthy.map(() => startRawUpstream(['legacy'], { handlers: { 'tools/list': slowList } })),
  )
  for (const upstream of slow) open.use(upstream)
  const hangs = open.use(await startRawUpstream(['legacy'], { handlers: { 'tools/list': hangingList } }))
  const refuses = open.use(
    await listenOnLoopback(
      createServer((_, res) => res.writeHead(401).end()),
      { port: 0, path: '/mcp' },
    ),
  )
  const slowServers = healthy.map((name, index) => [name, { url: slow[index]?.url, labels: ['mixed'] }])
  const config = {
    limits: { listingTimeoutMs },
    servers: {
      legacy: { url: legacy.url, labels: ['sound'] },
      modern: { url: modern.url, labels: ['sound'] },
      'short-lived': { url: shortLived.url, listTtlMs: shortTtlMs },
      crowded: { url: crowded.url },
      ...Object.fromEntries(slowServers),
      hanging: { url: hangs.url, labels: ['mixed'] },
      absent: { url: `http://127.0.0.1:${await findFreePort()}/mcp`, labels: ['broken'] },
      refusing: { url: refuses.url, labels: ['broken'] },
    },
    policies: { all: { default: 'execute' } },
    tokens: [{ name: 'lister', secret: tokenFor('lister'), policies: ['all'] }],
  }
  gateway = open.use(await startGateway(config))
})

afterAll(async () => {
  hanging.resolve()
  await open.disposeAsync()
})

const at = (names: string): Address => ({ url: `${gateway.url}/mcp/${names}`, token: tokenFor('lister') })

async function list(names: string): Promise<{ tools: string[]; servers: Json[] }> {
  const { result } = await askModern(at(names), { method: 'tools/list' })
  const { tools, _meta } = (result ?? {}) as { tools: { name: string }[]; _meta?: Json }
  return { tools: tools.map(({ name }) => name), servers: (_meta?.['toolgate/servers'] ?? []) as Json[] }
}

describe('a list that is known', () => {
  it('costs no request to any server, for clients of both eras, one server or several', async () => {
    for (const names of ['legacy', 'modern', 'legacy,modern']) await list(names)
    const before = legacy.seen.length + modern.seen.length
    for (const names of ['legacy', 'modern', 'legacy,modern', 'sound']) {
      for (let index = 0; index < 5; index++) await list(names)
      await using client = await connectV2('http', at(names), { era: 'legacy' })
      expect((await client.listTools()).tools).not.toHaveLength(0)
    }
    expect(legacy.seen.length + modern.seen.length).toBe(before)
  })

  it.each(['legacy', 'modern'] as const)(
    'is asked for again when its %s server says that it has changed',
    async (era) => {
      const upstream = { legacy, modern }[era]
      await list(era)
      const before = upstream.count('tools/list')
      upstream.handlers['tools/list'] = () => ({ tools: [tool('echo'), tool(`new-${era}`)] })
      upstream.announce('notifications/tools/list_changed')
      await until('the new tool is listed', async () => (await list(era)).tools.includes(`new-${era}`))
      expect(upstream.count('tools/list')).toBe(before + 1)
    },
  )

  it('is asked for again after its time limit, and not before', async () => {
    const startedAt = Date.now()
    await list('short-lived')
    await until('it is asked for again', async () => {
      await list('short-lived')
      return shortLived.count('tools/list') > 1
    })
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(shortTtlMs)
    expect(shortLived.count('tools/list')).toBe(2)
  })

  it('is asked for once by many clients at once', async () => {
    await Promise.all(Array.from({ length: 10 }, () => list('crowded')))
    expect(crowded.count('tools/list')).toBe(1)
  })
})

describe('a server that fails', () => {
  it('does not delay the others past the one deadline, and is named with its reason', async () => {
    const startedAt = performance.now()
    const { tools, servers } = await list('mixed')
    const durationMs = performance.now() - startedAt
    expect(tools.toSorted()).toEqual(healthy.map((name) => `${name}__work`))
    expect(servers).toContainEqual({ name: 'hanging', status: 'failing', reason: 'upstream_timeout' })
    expect(servers).toContainEqual({ name: 'slow-1', status: 'ok' })
    // One after the other, four servers alone would take 1000 ms.
    expect(durationMs).toBeLessThan(listingTimeoutMs + 300)
  })

  it('is told apart by why it fails', async () => {
    const { tools, servers } = await list('broken')
    expect(tools).toEqual([])
    expect(servers).toEqual([
      { name: 'absent', status: 'failing', reason: 'upstream_unreachable' },
      { name: 'refusing', status: 'failing', reason: 'upstream_auth_failed' },
    ])
  })

  it('fails with its own error where it stands alone', async () => {
    const { error } = await askModern(at('refusing'), { method: 'tools/list' })
    expect(error).toMatchObject({ code: -32010 })
  })

  it('has its tools back soon after it works again', async () => {
    hanging.resolve()
    await until('its tool is listed', async () => (await list('mixed')).tools.includes('hanging__late'), {
      timeoutMs: 6_000,
      pollMs: 100,
    })
    expect((await list('mixed')).servers).toContainEqual({ name: 'hanging', status: 'ok' })
  })
})
