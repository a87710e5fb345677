/** A token that a server refuses is renewed, and tried once more, whichever way the server is reached. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAuthorizationServer, type TestAuthorizationServer } from '#test/support/authorization-server.ts'
import { openDoorProxy } from '#test/support/door-proxy.ts'
import { startGateway } from '#test/support/gateway-process.ts'
import { plant } from '#test/support/planted.ts'
import { askModern, type Address, type Received } from '#test/support/raw/client.ts'
import { rawSseUpstream, rawWebSocketUpstream } from '#test/support/raw-channel-upstream.ts'
import { rawUpstream } from '#test/support/raw-upstream.ts'
import { ownClient, TokenDoor } from '#test/support/token-door.ts'
import { tokenFor } from '#test/support/tokens.ts'

const startMsMax = 60_000
const secret = plant('client-secret')
const token = tokenFor('caller')
/** What was let in once stays in: a WebSocket is asked who it is when it is opened. */
const upstreams = {
  modern: { open: () => rawUpstream({ era: 'modern' }), transport: 'http', renewals: 1 },
  legacy: { open: () => rawUpstream({ era: 'legacy' }), transport: 'http', renewals: 1 },
  sse: { open: () => rawSseUpstream(), transport: 'sse', renewals: 1 },
  websocket: { open: () => rawWebSocketUpstream(), transport: 'ws', renewals: 0 },
}

let issuer: TestAuthorizationServer
beforeAll(async () => {
  issuer = await openAuthorizationServer({ clients: [ownClient(secret)] })
})
afterAll(async () => {
  await issuer?.[Symbol.asyncDispose]()
})

type Name = keyof typeof upstreams

async function open(name: Name) {
  await using opening = new AsyncDisposableStack()
  const { open: start, transport } = upstreams[name]
  const upstream = opening.use(await start())
  const door = new TokenDoor(issuer)
  const proxy = opening.use(await openDoorProxy(door, upstream.url))
  const credential = {
    kind: 'oauth2_client_credentials',
    tokenUrl: `${issuer.issuer}/token`,
    clientId: 'gateway',
    clientSecret: secret,
  }
  const url = name === 'websocket' ? proxy.url.replace(/^http/, 'ws') : proxy.url
  const gateway = opening.use(
    await startGateway({
      servers: { one: { url, transport, credential } },
      tokens: [{ name: 'caller', secret: token, policies: ['all'] }],
      policies: { all: { default: 'execute' } },
    }),
  )
  const opened = opening.move()
  const to: Address = { url: `${gateway.url}/one/mcp`, token }
  return { door, to, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

const call = (to: Address): Promise<Received> =>
  askModern(to, { method: 'tools/call', params: { name: 'echo', arguments: {} } })

describe.each(Object.keys(upstreams) as Name[])('over %s', { timeout: startMsMax }, (name) => {
  it('a call is made with a new token where the one before is refused', async () => {
    await using lab = await open(name)
    expect((await call(lab.to)).result).toBeDefined()
    const before = lab.door.tokens.at(-1) ?? ''
    expect(before).not.toBe('')
    lab.door.refused.add(before)
    const grants = issuer.grants.length
    expect((await call(lab.to)).result).toBeDefined()
    const { renewals } = upstreams[name]
    expect(issuer.grants.length - grants).toBe(renewals)
    expect(lab.door.countTokens()).toBe(1 + renewals)
  })

  it('the first of all requests is made with a new token where the first one is refused, and no third is got', async () => {
    await using lab = await open(name)
    lab.door.refusesFirst = true
    const grants = issuer.grants.length
    expect((await askModern(lab.to, { method: 'tools/list' })).result?.['tools']).toHaveLength(1)
    expect(issuer.grants.length - grants).toBe(2)
    expect(lab.door.countTokens()).toBe(2)
    expect(lab.door.tokens).not.toContain('')
  })
})
