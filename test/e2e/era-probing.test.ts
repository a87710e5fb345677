/** One configured `transport: http`, and whatever the server really speaks: the gateway finds out, once. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGateway, type GatewayProcess } from '../support/gateway-process.ts'
import { LegacySession, askModern, type Address } from '../support/raw/client.ts'
import { startRawUpstream, type RawUpstream, type Seen } from '../support/raw/http-upstream.ts'
import { startRawSseUpstream, type RawSseUpstream } from '../support/raw/sse-upstream.ts'
import { tokenFor } from '../support/tokens.ts'

const open = new AsyncDisposableStack()
let gateway: GatewayProcess
let changing: RawUpstream
let upstreams: Record<Speaks, RawUpstream | RawSseUpstream>
const kinds = ['legacy', 'modern', 'dual', 'sse'] as const
type Speaks = (typeof kinds)[number]

/** What the server sees of the era in which it is spoken to. */
const eraOf = ({ body }: Seen): string => (JSON.stringify(body).includes('2026-07-28') ? 'modern' : 'legacy')

beforeAll(async () => {
  upstreams = {
    legacy: open.use(await startRawUpstream(['legacy'])),
    modern: open.use(await startRawUpstream(['modern'])),
    dual: open.use(await startRawUpstream(['legacy', 'modern'])),
    sse: open.use(await startRawSseUpstream()),
  }
  changing = open.use(await startRawUpstream(['modern']))
  const found = kinds.map((kind) => [`speaks-${kind}`, { url: upstreams[kind].url, transport: 'http' }])
  const told = (['legacy', 'modern'] as const).flatMap((protocol) => [
    [`dual-as-${protocol}`, { url: upstreams.dual.url, protocol }],
    [`legacy-as-${protocol}`, { url: upstreams.legacy.url, protocol }],
  ])
  gateway = open.use(
    await startGateway({
      servers: { ...Object.fromEntries([...found, ...told]), changing: { url: changing.url } },
      policies: { all: { default: 'execute' } },
      tokens: ['alice', 'bob'].map((name) => ({ name, secret: tokenFor(name), policies: ['all'] })),
    }),
  )
})

afterAll(() => open.disposeAsync())

const at = (server: string, user = 'alice'): Address => ({ url: `${gateway.url}/${server}/mcp`, token: tokenFor(user) })
const call = { method: 'tools/call', params: { name: 'echo', arguments: { n: 1 } } }

async function callFromBothEras(to: Address): Promise<unknown[]> {
  await using session = await LegacySession.open(to)
  const answers = [await askModern(to, call), await session.ask(call.method, call.params)]
  return answers.map(({ result }) => result?.['content'])
}

describe.each(kinds)('a server that speaks %s', (kind) => {
  it('works for clients of both eras', async () => {
    const content = [{ type: 'text', text: '{"n":1}' }]
    expect(await callFromBothEras(at(`speaks-${kind}`))).toEqual([content, content])
  })

  it('is asked for its era once, however many sessions are opened', async () => {
    await callFromBothEras(at(`speaks-${kind}`, 'alice'))
    await callFromBothEras(at(`speaks-${kind}`, 'bob'))
    await askModern(at(`speaks-${kind}`), { ...call, capabilities: { sampling: {} } })
    const own = upstreams[kind].seen.filter(({ method }) => method === 'server/discover')
    expect(own).toHaveLength(1)
  })
})

describe('a server of both eras', () => {
  it('is spoken to in the newer one', async () => {
    await askModern(at('speaks-dual'), call)
    const calls = upstreams.dual.seen.filter(({ method }) => method === 'tools/call')
    expect(new Set(calls.map(eraOf))).toEqual(new Set(['modern']))
  })

  it('is spoken to in the one that the configuration names', async () => {
    const before = upstreams.dual.seen.length
    const { result } = await askModern(at('dual-as-legacy'), call)
    expect(result?.['content']).toBeDefined()
    const seen = upstreams.dual.seen.slice(before)
    expect(seen.map(({ method }) => method)).not.toContain('server/discover')
    expect(seen.filter(({ method }) => method === 'tools/call').map(eraOf)).toEqual(['legacy'])
  })
})

describe('a server that does not speak the era that the configuration names', () => {
  it('fails, and is not spoken to in another', async () => {
    const before = upstreams.legacy.seen.length
    const { error } = await askModern(at('legacy-as-modern'), call)
    expect(error).toMatchObject({ code: -32010 })
    const methods = upstreams.legacy.seen.slice(before).map(({ method }) => method)
    expect(new Set(methods)).toEqual(new Set(['server/discover']))
  })
})

describe('a server that has changed its era', () => {
  it('is asked again, and no call fails', async () => {
    const content = async () => (await askModern(at('changing'), call)).result?.['content']
    expect(await content()).toBeDefined()
    changing.speak(['legacy'])
    expect(await content()).toBeDefined()
    changing.speak(['modern'])
    expect(await content()).toBeDefined()
    const eras = changing.seen.filter(({ method }) => method === 'tools/call').map(eraOf)
    // The second change is noticed by the list, which is asked for anew after a server was lost: no call is sent in vain.
    expect(eras).toEqual(['modern', 'modern', 'legacy', 'modern'])
  })
})
