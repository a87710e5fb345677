/** Calls with an account: the real gateway, a real authorization server, and a server that takes that server's tokens alone. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openConnectLab, type ConnectLab } from '#test/support/connect-lab.ts'
import { sendModern } from '#test/support/management.ts'
import { modernMessage } from '#test/support/raw-client.ts'
import type { Json } from '#test/support/raw-http.ts'
import { rawUpstream, type Handler, type RawUpstream, type UpstreamExchange } from '#test/support/raw-upstream.ts'

const startMsMax = 60_000

let lab: ConnectLab
let upstream: RawUpstream
/** Tokens that the server does not take any more, though they are good; `all`: none. */
const refused = new Set<string>()

const tokenOf = ({ req }: UpstreamExchange): string => (req.headers.authorization ?? '').replace(/^Bearer /, '')

/** Answers whom the authorization server knows, and says who that is. */
const guarded =
  (answer: (exchange: UpstreamExchange, account: string) => void): Handler =>
  async (exchange) => {
    const token = tokenOf(exchange)
    const facts = await lab.server.findToken(token)
    if (!facts || facts.audience !== upstream.url || refused.has(token) || refused.has('all'))
      exchange.json({ error: 'no' }, 401, { 'www-authenticate': 'Bearer error="invalid_token"' })
    else answer(exchange, facts.account ?? '')
  }

/** Scopes that its tool `write` wants. */
const wantsScope: Handler = guarded((exchange) =>
  exchange.json({ error: 'no' }, 403, { 'www-authenticate': 'Bearer error="insufficient_scope", scope="mcp:write"' }),
)

beforeAll(async () => {
  upstream = await rawUpstream({
    era: 'modern',
    tools: ['who', 'write', 'where'],
    calls: {
      who: guarded((exchange, account) => exchange.text(`you are ${account}`)),
      write: wantsScope,
      where: (exchange) =>
        tokenOf(exchange) === 'key of ann'
          ? exchange.text(`${exchange.req.url} ${String(exchange.req.headers['x-region'])}`)
          : exchange.json({ error: 'no' }, 401),
    },
  })
  lab = await openConnectLab({
    servers: (issuer) => ({
      notes: {
        url: upstream.url,
        credential: { kind: 'oauth2_authorization_code', issuer, scopes: ['mcp:read', 'offline_access'] },
      },
      files: {
        url: `${upstream.url}/\${TENANT}`,
        credential: { kind: 'bearer', owner: 'user' },
        headers: { 'X-Region': 'in ${REGION}' },
        variables: [{ name: 'TENANT' }, { name: 'REGION', isRequired: false }],
      },
    }),
  })
}, startMsMax)
afterAll(async () => {
  await lab?.[Symbol.asyncDispose]()
  await upstream?.[Symbol.asyncDispose]()
})

const tokens = new Map<string, Promise<string>>()

/** A token of this person for calls. */
function callerOf(name: string): Promise<string> {
  const minting = async (): Promise<string> => {
    const { body } = await lab.gateway.api('POST', '/tokens', {
      bearer: await lab.bearerOf(name),
      body: { name: `calls-of-${name}` },
    })
    return String(body['secret'])
  }
  const known = tokens.get(name) ?? minting()
  tokens.set(name, known)
  return known
}

async function call(name: string, tool = 'who', server = 'notes'): Promise<Json> {
  const message = modernMessage('tools/call', { name: tool, arguments: {} })
  const response = await sendModern(`${lab.gateway.url}/mcp/${server}`, { token: await callerOf(name), message })
  return JSON.parse(await response.text()) as Json
}

const textOf = ({ result, error }: Json): string => JSON.stringify(result ?? error)

describe('a call with an account', () => {
  it('is refused before the account is connected, with a place to go, and reaches no server', async () => {
    const before = upstream.seen.length
    const told = textOf(await call('ann'))
    expect(told).toContain(`${lab.gateway.url}/connect/notes`)
    expect(upstream.seen).toHaveLength(before)
  })

  it('goes out as the account of whoever calls, and as nobody else’s', async () => {
    await lab.connect(await lab.browserOf('ann'), 'notes', 'ann at notes')
    await lab.connect(await lab.browserOf('bob'), 'notes', 'bob at notes')
    expect(textOf(await call('ann'))).toContain('you are ann at notes')
    expect(textOf(await call('bob'))).toContain('you are bob at notes')
    expect(textOf(await call('cid'))).toContain('/connect/notes')
  })

  it('is recorded with the account that it went out with, and never with what that is', async () => {
    const recorded = async () => {
      const { body } = await lab.gateway.api('GET', '/audit?method=tools/call&outcome=ok&server=notes&limit=1000')
      return body['events'] as { principalId: string; credential: string }[]
    }
    await call('ann')
    await vi.waitFor(async () => expect(await recorded()).not.toEqual([]), 20_000)
    const events = await recorded()
    for (const { principalId, credential } of events)
      expect(credential).toBe(`oauth2_authorization_code ${principalId}`)
  })

  it('goes out with a renewed token where the server refuses the one before, for all calls at once', async () => {
    await call('ann')
    const token = upstream.calls('who').at(-1)?.headers.authorization?.slice('Bearer '.length) ?? ''
    refused.add(token)
    const grants = lab.server.grants.length
    const told = await Promise.all(Array.from({ length: 5 }, () => call('ann')))
    expect(told.map(textOf)).toEqual(told.map(() => expect.stringContaining('you are ann at notes')))
    expect(lab.server.grants.length - grants).toBe(1)
  })

  it('is told to ask for more where the server wants more scopes, and other calls go on', async () => {
    expect(textOf(await call('ann', 'write'))).toContain('/connect/notes')
    expect(textOf(await call('ann'))).toContain('you are ann at notes')
    const { body } = await lab.gateway.api('GET', '/connections/notes', { bearer: await lab.bearerOf('ann') })
    expect(body).toMatchObject({ state: 'needs_attention', reason: 'more_scopes_needed' })
  })

  it('ends at the owner where the server refuses every token, and no list is empty for it', async () => {
    refused.add('all')
    expect(textOf(await call('bob'))).toContain('/connect/notes')
    const { body } = await lab.gateway.api('GET', '/connections/notes', { bearer: await lab.bearerOf('bob') })
    expect(body).toMatchObject({ state: 'needs_attention', reason: 'refused_by_server' })
    refused.delete('all')
    const before = upstream.seen.length
    expect(textOf(await call('bob'))).toContain('/connect/notes')
    expect(upstream.seen).toHaveLength(before)
    await lab.connect(await lab.browserOf('bob'), 'notes', 'bob again')
    expect(textOf(await call('bob'))).toContain('you are bob again')
  })
})

describe('a call with a key and values of the caller’s own', () => {
  const put = async (what: 'key' | 'variables', body: Json) =>
    lab.gateway.api('PUT', `/connections/files/${what}`, { bearer: await lab.bearerOf('ann'), body })
  const where = async () => textOf(await call('ann', 'where', 'files'))

  it('is refused until all of them are there, goes out with them, and not once the server has refused the key', async () => {
    const before = upstream.seen.length
    expect(await where()).toContain('TENANT')
    await put('variables', { values: { TENANT: 'acme/x', REGION: 'eu' } })
    expect(await where()).toContain('/connect/files')
    expect(upstream.seen).toHaveLength(before)
    await put('key', { token: 'key of ann' })
    expect(await where()).toContain('/mcp/acme%2Fx in eu')
    await put('key', { token: 'another' })
    expect(await where()).toContain('/connect/files')
    const refusedAt = upstream.seen.length
    expect(await where()).toContain('/connect/files')
    expect(upstream.seen).toHaveLength(refusedAt)
    await put('key', { token: 'key of ann' })
    expect(await where()).toContain('/mcp/acme%2Fx in eu')
  })
})
