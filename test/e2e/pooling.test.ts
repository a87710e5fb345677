/** How many sessions the gateway opens with a server, counted at the server. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startGateway, type GatewayProcess } from '../support/gateway-process.ts'
import { LegacySession, askModern, type Address } from '../support/raw/client.ts'
import { startRawUpstream, type RawUpstream } from '../support/raw/http-upstream.ts'
import { tokenFor } from '../support/tokens.ts'

const call = { method: 'tools/call', params: { name: 'echo', arguments: { n: 1 } } }
const kinds = ['principal', 'shared', 'session', 'modern'] as const
type Kind = (typeof kinds)[number]
/** Each test takes servers of its own, so that what one has pooled is no other's. */
const roundsMax = 12

const open = new AsyncDisposableStack()
let gateway: GatewayProcess
let round = -1
const upstreams = new Map<string, RawUpstream>()

beforeAll(async () => {
  const servers: Record<string, object> = {}
  for (let index = 0; index < roundsMax; index++) {
    for (const kind of kinds) {
      const upstream = open.use(await startRawUpstream([kind === 'modern' ? 'modern' : 'legacy']))
      upstreams.set(`${kind}-${index}`, upstream)
      servers[`${kind}-${index}`] = { url: upstream.url, ...(kind === 'modern' ? {} : { isolation: kind }) }
    }
  }
  const tokens = ['alice', 'bob'].map((name) => ({ name, secret: tokenFor(name), policies: ['all'] }))
  gateway = open.use(await startGateway({ servers, tokens, policies: { all: { default: 'execute' } } }))
})

beforeEach(() => void round++)

afterAll(() => open.disposeAsync())

function of(kind: Kind): RawUpstream {
  const upstream = upstreams.get(`${kind}-${round}`)
  if (!upstream) throw new Error('more tests than roundsMax')
  return upstream
}

const at = (kind: Kind, user = 'alice'): Address => ({
  url: `${gateway.url}/${kind}-${round}/mcp`,
  token: tokenFor(user),
})

async function callInSessions(to: Address, counts: { sessions: number; calls: number }): Promise<void> {
  await using stack = new AsyncDisposableStack()
  for (let index = 0; index < counts.sessions; index++) {
    const session = stack.use(await LegacySession.open(to))
    const answers = Array.from({ length: counts.calls }, () => session.ask(call.method, call.params))
    for (const { result } of await Promise.all(answers)) expect(result?.['content']).toBeDefined()
  }
}

describe('a server that isolates principals', () => {
  it('gets one initialize for three client sessions and fifty calls of one token', async () => {
    await callInSessions(at('principal'), { sessions: 3, calls: 17 })
    for (let index = 0; index < 10; index++) await askModern(at('principal'), call)
    expect(of('principal').count('tools/call')).toBe(61)
    expect(of('principal').count('initialize')).toBe(1)
  })

  it('gets one initialize for calls that all come at once', async () => {
    await Promise.all(Array.from({ length: 20 }, () => askModern(at('principal'), call)))
    expect(of('principal').count('initialize')).toBe(1)
  })

  it('gets one initialize for each token', async () => {
    await callInSessions(at('principal', 'alice'), { sessions: 2, calls: 2 })
    await callInSessions(at('principal', 'bob'), { sessions: 2, calls: 2 })
    expect(of('principal').count('initialize')).toBe(2)
  })

  it('gets one initialize for each set of declared capabilities', async () => {
    for (const capabilities of [{}, { sampling: {} }, {}, { sampling: {} }]) {
      await askModern(at('principal'), { ...call, capabilities })
    }
    expect(of('principal').count('initialize')).toBe(2)
    const declared = of('principal')
      .seen.filter(({ method }) => method === 'initialize')
      .map(({ body }) => body['params'])
    expect(declared).toMatchObject([{ capabilities: {} }, { capabilities: { sampling: {} } }])
  })

  it('gets the same session from the aggregate as from its own address', async () => {
    await callInSessions(at('principal'), { sessions: 1, calls: 1 })
    const before = of('principal').count('initialize')
    const all = {
      url: `${gateway.url}/mcp`,
      token: tokenFor('alice'),
      headers: { 'x-mcp-servers': `principal-${round}` },
    }
    const answer = await askModern(all, { ...call, params: { ...call.params, name: `principal-${round}__echo` } })
    expect(answer.result?.['content']).toBeDefined()
    expect(of('principal').count('initialize')).toBe(before)
  })
})

describe('a server that all share', () => {
  it('gets one initialize for two tokens', async () => {
    await callInSessions(at('shared', 'alice'), { sessions: 2, calls: 2 })
    await callInSessions(at('shared', 'bob'), { sessions: 2, calls: 2 })
    expect(of('shared').count('initialize')).toBe(1)
  })
})

describe('a server that isolates sessions', () => {
  it('gets one initialize for each client session, and each calls in its own', async () => {
    await callInSessions(at('session'), { sessions: 3, calls: 3 })
    expect(of('session').count('initialize')).toBe(3)
    const calls = of('session').seen.filter(({ method }) => method === 'tools/call')
    expect(new Set(calls.map(({ headers }) => headers['mcp-session-id'])).size).toBe(3)
  })
})

describe('a modern server', () => {
  it('is discovered once for fifty calls of two tokens', async () => {
    await callInSessions(at('modern', 'alice'), { sessions: 2, calls: 20 })
    for (let index = 0; index < 10; index++) await askModern(at('modern', 'bob'), call)
    expect(of('modern').count('tools/call')).toBe(50)
    expect(of('modern').count('server/discover')).toBe(1)
  })
})

describe('a server that has forgotten its session', () => {
  it('gets one initialize more, and the call succeeds', async () => {
    await askModern(at('principal'), call)
    of('principal').forgetSessions()
    const { result } = await askModern(at('principal'), call)
    expect(result?.['content']).toEqual([{ type: 'text', text: '{"n":1}' }])
    expect(of('principal').count('initialize')).toBe(2)
  })

  it('gets one initialize more for many calls at once, and all succeed', async () => {
    await askModern(at('principal'), call)
    of('principal').forgetSessions()
    const answers = await Promise.all(Array.from({ length: 20 }, () => askModern(at('principal'), call)))
    expect(answers.filter(({ result }) => result?.['content'] !== undefined)).toHaveLength(20)
    expect(of('principal').count('initialize')).toBe(2)
  })

  it('stays the same session for a legacy client', async () => {
    await using session = await LegacySession.open(at('principal'))
    await session.ask(call.method, call.params)
    of('principal').forgetSessions()
    const { status, result } = await session.ask(call.method, call.params)
    expect({ status, content: result?.['content'] }).toMatchObject({ status: 200, content: [{ text: '{"n":1}' }] })
  })
})
