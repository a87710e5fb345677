/** Keys of one's own: each call goes out with its owner's, whoever calls at the same time, and with no other part of the caller than what is named. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openConnectLab, type ConnectLab } from '#test/support/connect-lab.ts'
import { plant } from '#test/support/planted.ts'
import { askModern, LegacySession, type Address, type Received } from '#test/support/raw/client.ts'
import type { Json } from '#test/support/raw/exchange.ts'
import { rawUpstream, type RawUpstream, type UpstreamExchange } from '#test/support/raw-upstream.ts'
import { tokenIn } from '#test/support/token-door.ts'

const startMsMax = 60_000
const people = ['ann', 'bob', 'robot', 'admin'] as const
type Name = (typeof people)[number] | 'blue' | 'cid'
/** By owner: the key that it gives. */
const keys = new Map<string, string>([...people, 'blue'].map((name) => [name, plant(`key-of-${name}`)]))
const fixed = plant('static-header')

let lab: ConnectLab
let legacy: RawUpstream
let modern: RawUpstream

/** Says whose key a request has. Never the key. */
const ownerOf = ({ req }: UpstreamExchange): string =>
  [...keys].find(([, key]) => key === tokenIn(req.headers))?.[0] ?? 'a stranger'

beforeAll(async () => {
  const guard = (exchange: UpstreamExchange): boolean => {
    const isKnown = ownerOf(exchange) !== 'a stranger'
    if (!isKnown) exchange.json({ error: 'no' }, 401)
    return isKnown
  }
  const script = { guard, tools: ['who'], calls: { who: (x: UpstreamExchange) => x.text(ownerOf(x)) } }
  legacy = await rawUpstream({ ...script, era: 'legacy' })
  modern = await rawUpstream({ ...script, era: 'modern' })
  const credential = { kind: 'bearer', owner: 'user' }
  lab = await openConnectLab({
    servers: () => ({
      legacy: { url: legacy.url, credential },
      modern: { url: modern.url, credential, headers: { 'X-Fixed': fixed }, forwardHeaders: ['x-tenant', 'x-absent'] },
      team: { url: modern.url, credential: { ...credential, owner: 'team' } },
    }),
  })
  for (const name of people)
    for (const server of ['legacy', 'modern']) await give(server, name, name === 'robot' ? 'user:robot' : null)
  await give('team', 'ann', 'team:blue')
}, startMsMax)
afterAll(async () => {
  await lab?.[Symbol.asyncDispose]()
  await legacy?.[Symbol.asyncDispose]()
  await modern?.[Symbol.asyncDispose]()
})

const bearerOf = (name: string): Promise<string> =>
  name === 'admin' || name === 'robot' ? Promise.resolve(lab.gateway.bearer) : lab.bearerOf(name)

/** @param owner null: who gives it */
async function give(server: string, name: string, owner: string | null): Promise<void> {
  const token = keys.get(owner?.replace(/^.*:/, '') ?? name)
  const path = `/connections/${server}/key${owner === null ? '' : `?owner=${owner}`}`
  const { status, body } = await lab.gateway.api('PUT', path, { bearer: await bearerOf(name), body: { token } })
  expect([status, body]).toEqual([expect.toSatisfy((code: number) => code < 300), expect.anything()])
}

const tokens = new Map<string, string>()

async function addressOf(name: Name, server: string, headers: Record<string, string> = {}): Promise<Address> {
  const owner = name === 'blue' ? { kind: 'team', ref: 'blue' } : { kind: 'user', ref: name }
  const known = tokens.get(name)
  const token = known ?? (await lab.gateway.mint({ name: `calls-of-${name}`, owner, policies: ['all'] }))
  tokens.set(name, token)
  return { url: `${lab.gateway.url}/mcp/${server}`, token, headers }
}

const who = { name: 'who', arguments: {} }
const call = (to: Address): Promise<Received> => askModern(to, { method: 'tools/call', params: who })
const textOf = ({ result }: Received): unknown => (result?.['content'] as Json[] | undefined)?.[0]?.['text']

describe('a key of one’s own', { timeout: startMsMax }, () => {
  it.each(['legacy', 'modern'])('is never mixed with another’s, of 200 calls at once (%s)', async (server) => {
    const callers = people.slice(0, 3)
    const clients = await Promise.all(
      callers.map(async (name) => {
        const to = await addressOf(name, server)
        return { name, to, session: await LegacySession.open(to) }
      }),
    )
    const calls = Array.from({ length: 200 }, async (_, index) => {
      const client = clients[index % clients.length]
      if (!client) throw new Error('nobody calls')
      const { name, to, session } = client
      return [name, textOf(await (index % 2 === 0 ? call(to) : session.ask('tools/call', who)))]
    })
    for (const [name, told] of await Promise.all(calls)) expect(told).toBe(name)
    for (const { session } of clients) await session[Symbol.asyncDispose]()
  })

  it('has upstream sessions of its own: none has seen two', () => {
    const keysOf = new Map<string, Set<string>>()
    for (const { headers } of legacy.seen) {
      const session = headers['mcp-session-id']
      if (typeof session !== 'string') continue
      keysOf.set(session, (keysOf.get(session) ?? new Set()).add(tokenIn(headers)))
    }
    expect(keysOf.size).toBeGreaterThanOrEqual(3)
    for (const seen of keysOf.values()) expect(seen.size).toBe(1)
    expect([...legacy.seen, ...modern.seen].map(({ headers }) => tokenIn(headers))).not.toContain('')
  })

  it('of a service user is given for it by whoever may edit it', async () => {
    expect(textOf(await call(await addressOf('robot', 'modern')))).toBe('robot')
  })

  it('of a team goes out for its members and its own tokens, and for nobody else', async () => {
    for (const name of ['ann', 'bob', 'blue'] as const)
      expect([name, textOf(await call(await addressOf(name, 'team')))]).toEqual([name, 'blue'])
    const before = modern.seen.length
    const { error } = await call(await addressOf('cid', 'team'))
    expect(error?.data).toMatchObject({ code: 'credential_owner_required', server: 'team' })
    expect(modern.seen).toHaveLength(before)
  })

  it('goes out in an agent’s session for who has started that', async () => {
    const { gateway } = lab
    const servers = [{ server: 'modern' }]
    expect(
      (await gateway.api('POST', '/agents', { body: { name: 'helper', harness: 'claude-agent-sdk', servers } })).status,
    ).toBe(201)
    const start = async (name: string): Promise<Address> => {
      const { body } = await gateway.api('POST', '/managed_agents/agents/helper/session', {
        body: {},
        bearer: await bearerOf(name),
      })
      const [spec] = (body['harness'] as { mcp_servers: { url: string; auth_token: string }[] }).mcp_servers
      return { url: spec?.url ?? '', token: spec?.auth_token ?? '' }
    }
    await gateway.api('PUT', '/users/ann', { body: { name: 'ann', role: 'admin', policies: ['all'] } })
    const [ofAdmin, ofAnn] = [await start('admin'), await start('ann')]
    for (let i = 0; i < 3; i++)
      expect([textOf(await call(ofAdmin)), textOf(await call(ofAnn))]).toEqual(['admin', 'ann'])
  })
})

describe('beside the key', { timeout: startMsMax }, () => {
  it('go static headers, and of the caller’s those alone that the server names', async () => {
    const headers = {
      'x-tenant': 'acme',
      'x-other': 'of-the-caller',
      'x-fixed': 'of-the-caller',
      cookie: 'a=of-the-caller',
      'x-api-key': 'of-the-caller',
      'x-forwarded-for': '10.1.2.3',
    }
    const before = modern.seen.length
    expect(textOf(await call(await addressOf('ann', 'modern', headers)))).toBe('ann')
    const sent = modern.seen.slice(before)
    expect(sent.length).toBeGreaterThan(0)
    for (const request of sent) {
      expect(request.headers['x-fixed']).toBe(fixed)
      expect(JSON.stringify(request)).not.toMatch(/of-the-caller|10\.1\.2\.3/)
    }
    expect(sent.at(-1)?.headers).toMatchObject({ 'x-tenant': 'acme' })
    expect(sent.at(-1)?.headers).not.toHaveProperty('x-absent')
  })
})
