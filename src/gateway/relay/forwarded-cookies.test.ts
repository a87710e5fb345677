/** What of a caller's headers and cookies goes with a call, and with nothing else. */
import { beforeEach, describe, expect, it } from 'vitest'
import { compileForwarding } from '#core/credential/forwarded-headers.ts'
import type { HeaderLookup } from '#core/protocol/mcp-headers.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'
import { failureOf } from '#test/support/failure.ts'
import { FakeChannelWire } from '#test/support/fake-channel.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { FakeHttpWire, legacyHttpScript, type FakeExchange } from '#test/support/fake-http-wire.ts'
import { principal, server, upstream } from '#test/support/upstreams.ts'
import { forward } from './forward.ts'
import { ParkedCalls } from './parked-calls.ts'
import { RequestStates } from './request-states.ts'

const clock = new FakeClock()
const [hash, randomId] = [(text: string) => `hash of ${text}`, (prefix: string) => prefix]
const transport = {
  kind: 'streamable_http',
  url: 'http://a.example/mcp',
  headers: {},
  credential: { kind: 'none' },
} as const

let wire: FakeHttpWire
let files: Upstream

beforeEach(() => {
  wire = new FakeHttpWire(legacyHttpScript({ tools: {} }, { 'tools/call': (one: FakeExchange) => one.result({}) }))
  const forwarding = compileForwarding({ forwardHeaders: ['X-Tenant'], cookies: { names: ['sid'] } }, [])
  const wires = { kind: 'http' as const, http: wire, sse: new FakeChannelWire() }
  files = upstream(server('files', { transport, isolation: 'principal' }), { clock, wires, forwarding })
})

function call(headers: HeaderLookup | null): Promise<Answer> {
  const params = { name: 'a' }
  const one = {
    principal: principal('ann'),
    era: 'legacy',
    session: null,
    facts: { capabilities: {}, info: undefined, logLevel: undefined },
    message: { jsonrpc: '2.0', id: 1, method: 'tools/call', params },
    large: null,
    headers,
    sink: null,
    cancellation: new Cancellation(),
    reply: { notify: () => undefined, ask: null },
  } as unknown as ClientCall
  const parked = new ParkedCalls({ clock, randomId, parkedCallsMax: 1, parkedCallMs: 1 })
  return forward(
    one,
    { upstream: files, method: 'tools/call', params, paramHeaders: [], toExposed: null },
    {
      clock,
      hash,
      randomId,
      parked,
      requestStates: new RequestStates({ hash, randomId }),
      parkedElsewhere: { resume: () => null },
      lists: { renewTool: () => Promise.resolve(undefined) },
    },
  )
}

const sentWith = (method: string, header: string) => wire.of(method).map((one) => one.header(header))

describe('the caller’s headers', () => {
  it('go with the call where the server’s list names them, and the others do not', async () => {
    await call({
      'x-tenant': 'one',
      'x-other': 'two',
      authorization: 'Bearer tg_x',
      cookie: 'sid=1; toolgate_sign_in=2; more=3',
    })
    expect(sentWith('tools/call', 'x-tenant')).toEqual(['one'])
    expect(sentWith('tools/call', 'cookie')).toEqual(['sid=1'])
    for (const name of ['x-other', 'authorization']) expect(sentWith('tools/call', name)).toEqual([undefined])
    for (const name of ['x-tenant', 'cookie']) expect(sentWith('initialize', name)).toEqual([undefined])
  })

  it('are refused where no header can hold them, and nothing is sent', async () => {
    const error = await failureOf(Promise.resolve().then(() => call({ cookie: 'sid=1\r\nx: y' })))
    expect(error).toMatchObject({ code: 'invalid_header', details: { header: 'cookie' } })
    expect(wire.exchanges).toEqual([])
  })

  it('are none on a channel', async () => {
    await call(null)
    expect(sentWith('tools/call', 'cookie')).toEqual([undefined])
  })
})

describe('the session', () => {
  it('is shared by calls that bring the same cookies, and by no others', async () => {
    for (const sid of ['1', '2', '1']) await call({ cookie: `sid=${sid}; other=${Math.random()}` })
    await call({})
    expect(wire.of('initialize')).toHaveLength(3)
    expect(sentWith('tools/call', 'cookie')).toEqual(['sid=1', 'sid=2', 'sid=1', undefined])
  })
})
