/** One token has so many calls under way, and so many in a minute, over whatever it calls; the others do not feel it. */
import { describe, expect, it } from 'vitest'
import { codeOf, modernMessage, openLegacy, openModern, parseMessage } from '../support/raw-client.ts'
import { doors } from '../support/raw-doors.ts'
import { startRawGateway, type RawGatewayOptions } from '../support/raw-gateway.ts'
import type { Json } from '../support/raw-http.ts'
import { rawUpstream, toServer, type UpstreamExchange } from '../support/raw-upstream.ts'
import { until } from '../support/until.ts'

async function startHouse(options: Partial<RawGatewayOptions>) {
  const hanging: UpstreamExchange[] = []
  const upstream = await rawUpstream({
    tools: ['echo', 'hang'],
    calls: { hang: (exchange) => void hanging.push(exchange) },
  })
  const gateway = await startRawGateway({ servers: [toServer('one', upstream)], ...options })
  return {
    gateway,
    upstream,
    hanging,
    release: (): void => hanging.splice(0).forEach((exchange) => exchange.text('ok')),
    async [Symbol.asyncDispose]() {
      for (const { res } of hanging) res.destroy()
      await gateway[Symbol.asyncDispose]()
      await upstream[Symbol.asyncDispose]()
      expect(gateway.defects).toEqual([])
    },
  }
}

const hang = { name: 'one__hang', arguments: {} }
const echo = { name: 'one__echo', arguments: {} }

const messageFor = (era: string | undefined, params: Json): Json =>
  era === 'modern' ? modernMessage('tools/call', params) : { jsonrpc: '2.0', id: 1, method: 'tools/call', params }

describe('calls under way', () => {
  it('of one token are bounded over modern HTTP, where no session bounds them', async () => {
    await using house = await startHouse({ limits: { callsPerTokenMax: 3 } })
    const client = openModern(house.gateway)
    const calls = [1, 2, 3].map(() => client.request('tools/call', hang))
    await until('three hang', () => house.hanging.length === 3)
    const refused = await client.request('tools/call', echo)
    expect(refused['error']).toMatchObject({
      code: -32029,
      data: { code: 'rate_limited', callsUnderWayMax: 3, retryAfterMs: 1_000 },
    })
    expect((await openModern(house.gateway, { token: 'b' }).request('tools/call', echo))['result']).toBeDefined()
    expect((await client.request('tools/list'))['result']).toBeDefined()
    house.release()
    for (const answer of await Promise.all(calls)) expect(answer['result']).toBeDefined()
    expect((await client.request('tools/call', echo))['result']).toBeDefined()
    expect(house.upstream.calls('echo')).toHaveLength(2)
  })

  it('are counted together over every transport and session, as many as the token says', async () => {
    await using house = await startHouse({ tokenSpecs: { a: { limits: { callsUnderWayMax: doors.length } } } })
    const opened = await Promise.all(doors.map((door) => door.open(house.gateway)))
    const calls = opened.map((door, index) => door.send(JSON.stringify(messageFor(doors[index]?.era, hang))))
    await until('all hang', () => house.hanging.length === doors.length)
    const other = await openLegacy(house.gateway)
    expect(codeOf(await other.request('tools/call', echo))).toBe('rate_limited')
    house.release()
    for (const answer of await Promise.all(calls)) expect(answer.message['result']).toBeDefined()
    expect((await other.request('tools/call', echo))['result']).toBeDefined()
    opened.forEach((door) => door.close())
  })

  it('are given back by calls that fail, that are refused, and whose client goes away', async () => {
    await using house = await startHouse({ tokenSpecs: { a: { limits: { callsUnderWayMax: 1 } } } })
    const client = openModern(house.gateway)
    expect(codeOf(await client.request('tools/call', { name: 'one__nothing', arguments: {} }))).toBe('tool_not_found')
    const stream = client.stream('tools/call', hang)
    await until('one hangs', () => house.hanging.length === 1)
    const legacy = await openLegacy(house.gateway)
    expect(codeOf(await legacy.request('tools/call', echo))).toBe('rate_limited')
    house.hanging.splice(0).forEach(({ res }) => res.destroy())
    await stream
    expect((await client.request('tools/call', echo))['result']).toBeDefined()
    const cancelled = legacy.post({ jsonrpc: '2.0', id: 'x', method: 'tools/call', params: hang })
    await until('another hangs', () => house.hanging.length === 1)
    await legacy.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'x' } })
    await cancelled
    expect((await client.request('tools/call', echo))['result']).toBeDefined()
  })
})

describe('calls in a minute', () => {
  it('are refused above the token’s limit, before they reach a server, and recorded', async () => {
    await using house = await startHouse({ tokenSpecs: { a: { limits: { callsPerMinuteMax: 2 } } } })
    const modern = openModern(house.gateway)
    const legacy = await openLegacy(house.gateway)
    expect((await modern.request('tools/call', echo))['result']).toBeDefined()
    expect((await legacy.request('tools/call', echo))['result']).toBeDefined()
    for (const answer of [await modern.request('tools/call', echo), await legacy.request('tools/call', echo)]) {
      const { data } = answer['error']
      expect(data).toMatchObject({ code: 'rate_limited', callsPerMinuteMax: 2 })
      expect(data.retryAfterMs).toBeGreaterThan(0)
      expect(data.retryAfterMs).toBeLessThanOrEqual(60_000)
    }
    expect(house.upstream.calls('echo')).toHaveLength(2)
    const refused = (await house.gateway.audit()).filter(({ outcome }) => outcome === 'rate_limited')
    expect(refused).toHaveLength(2)
    expect(refused[0]).toMatchObject({
      kind: 'call',
      method: 'tools/call',
      effect: 'deny',
      reason: 'rate_limited',
      tokenName: 'a',
    })
  })

  it('count each part of a batch', async () => {
    await using house = await startHouse({ tokenSpecs: { a: { limits: { callsPerMinuteMax: 2 } } } })
    const client = await openLegacy(house.gateway, { revision: '2025-03-26' })
    const batch = [1, 2, 3].map((id) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: echo }))
    const answers = parseMessage((await client.post(batch)).text) as unknown as Record<string, unknown>[]
    expect(answers.filter((answer) => 'result' in answer)).toHaveLength(2)
    expect(house.upstream.calls('echo')).toHaveLength(2)
  })
})
