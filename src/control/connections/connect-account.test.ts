import { describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import { connectUrl } from '#core/credential/connect-link.ts'
import { accountServer, connectionWorld, type ConnectionWorld } from '#test/support/connection-world.ts'
import { failureOf } from '#test/support/failure.ts'
import { resource } from '#test/support/resources.ts'

const minuteMs = 60_000
const everything = resource('policy', 'all', { default: 'execute' })
const ann = resource('user', 'ann', { policies: ['pol_all'] })
const bob = resource('user', 'bob', { policies: ['pol_all'] })
const dot = resource('user', 'dot')
const notes = accountServer('notes')
const people = [everything, ann, bob, dot, notes]
const here = { server: 'notes' }

/** The same account, at a server of somebody else's. */
function elsewhere() {
  const { transport } = accountServer('notes', { clientId: 'ours' }).spec
  return { transport: { ...transport, url: 'https://evil.example/' } }
}

const storedOf = async (world: ConnectionWorld, name = 'srv_notes.user.usr_ann') =>
  (await world.store.find('credential', name))?.spec

describe('connecting an account', () => {
  it('keeps what was given, sealed from everybody who looks', async () => {
    const world = await connectionWorld(people)
    const before = world.clock.now()
    expect(world.connections.get(world.as('user', 'ann'), here)).toMatchObject({
      state: 'missing',
      reason: null,
      kind: 'account',
    })
    const answer = await world.begin('ann', here)
    expect(world.connections.get(world.as('user', 'ann'), here)).toMatchObject({ state: 'connecting', since: before })
    const connection = await world.finish('ann', answer)
    expect(connection).toMatchObject({
      state: 'connected',
      reason: 'connected',
      scopes: ['read', 'offline_access'],
      owner: { name: 'ann' },
    })
    expect(JSON.stringify(connection)).not.toMatch(/AT-1|RT-1|VERIFIER|CODE/)
    expect(await storedOf(world)).toMatchObject({
      server: 'srv_notes',
      owner: { kind: 'user', ref: 'usr_ann' },
      secret: {
        kind: 'oauth',
        accessToken: 'AT-1',
        refreshToken: 'RT-1',
        issuer: 'https://login.example.com',
        clientId: 'client-1',
        resource: 'https://mcp.example.com/',
        scopes: ['read', 'offline_access'],
      },
    })
    expect(world.oauth.asked).toEqual([
      expect.stringMatching(
        /^register at https:\/\/login.example.com for https:\/\/tools.example.com\/connect\/callback\/[0-9a-f]{16}$/,
      ),
      'authorize read offline_access for https://mcp.example.com/',
      'exchange as client-1 with the verifier',
    ])
  })

  it('records that it was begun and done, and nothing of what was given', async () => {
    const world = await connectionWorld(people)
    await world.connect('ann', here)
    expect(world.events).toMatchObject([
      {
        action: 'connect',
        outcome: 'ok',
        changed: ['begun'],
        resource: { kind: 'credential', name: 'srv_notes.user.usr_ann' },
      },
      { action: 'connect', outcome: 'ok', changed: ['connected'], actor: { id: 'usr_ann' } },
    ])
    expect(JSON.stringify(world.events)).not.toMatch(/AT-1|RT-1|VERIFIER|CODE|state-/)
  })

  it('registers once with one authorization server, and anew with another, to which it shows nothing of the first', async () => {
    const world = await connectionWorld(people)
    await world.connect('ann', here)
    await world.connect('bob', here)
    expect(world.oauth.clients.map(({ clientId }) => clientId)).toEqual(['client-1', 'client-1'])
    world.oauth.server = { ...world.oauth.server, issuer: 'https://other.example.com' }
    await world.connect('ann', here)
    expect(world.oauth.clients.at(-1)?.clientId).not.toBe('client-1')
    expect((await storedOf(world))?.secret).toMatchObject({ issuer: 'https://other.example.com' })
  })

  it('is the client that the definition names before all', async () => {
    const server = accountServer('notes', { clientId: 'ours', clientSecret: 'SECRET' })
    const world = await connectionWorld([everything, ann, server])
    world.oauth.server = { ...world.oauth.server, takesClientDocuments: true }
    await world.connect('ann', here)
    expect(world.oauth.clients).toMatchObject([
      { clientId: 'ours', auth: { method: 'client_secret_basic', secret: 'SECRET' } },
    ])
    expect(world.oauth.callback).toBe('https://tools.example.com/connect/callback')
  })

  it('shows what the definition names to the first authorization server that the server names, and to no other', async () => {
    const world = await connectionWorld([
      everything,
      ann,
      accountServer('notes', { clientId: 'ours', clientSecret: 'SECRET' }),
    ])
    await world.connect('ann', here)
    world.oauth.server = { ...world.oauth.server, issuer: 'https://evil.example.com' }
    expect(await failureOf(world.begin('ann', here))).toMatchObject({
      code: 'oauth_server_failed',
      details: { reason: 'wrong_issuer' },
    })
    expect(world.oauth.clients).toHaveLength(1)
    world.oauth.server = { ...world.oauth.server, issuer: 'https://login.example.com' }
    await world.connect('ann', here)
    expect(world.oauth.clients).toHaveLength(2)
  })

  it('names a document about itself where that is taken and can be read', async () => {
    const world = await connectionWorld(people)
    world.oauth.server = { ...world.oauth.server, takesClientDocuments: true }
    await world.connect('ann', here)
    expect(world.oauth.clients).toMatchObject([
      { clientId: 'https://tools.example.com/connect/client.json', auth: { method: 'none' } },
    ])
    // Not where answers for clients that are registered by hand come back to: one could be mixed up with the other.
    expect(world.oauth.callback).toBe('https://tools.example.com/connect/callback/document')
    const inside = await connectionWorld(people, 'http://127.0.0.1:4321')
    inside.oauth.server = { ...inside.oauth.server, takesClientDocuments: true }
    await inside.connect('ann', here)
    expect(inside.oauth.clients).toMatchObject([{ clientId: 'client-1' }])
  })

  it('says that somebody has to register it where nothing else is taken', async () => {
    const world = await connectionWorld(people)
    world.oauth.server = { ...world.oauth.server, registrationEndpoint: null }
    expect(await failureOf(world.begin('ann', here))).toMatchObject({
      code: 'oauth_server_failed',
      details: { reason: 'client_required' },
    })
    expect(world.events.at(-1)).toMatchObject({ outcome: 'oauth_server_failed', reason: 'client_required' })
  })

  it('asks for the scopes of the definition, and for those that the server has asked for since', async () => {
    const world = await connectionWorld([everything, ann, accountServer('notes', { scopes: ['write'] })])
    await world.connect('ann', here)
    expect(world.oauth.asked).toContain('authorize write offline_access for https://mcp.example.com/')
    const [stored] = await world.store.list('credential', { limit: 10, after: 'srv_notes.t' })
    if (!stored) throw new Error('nothing is stored')
    const waiting = {
      ...stored.spec,
      state: 'needs_attention',
      reason: 'more_scopes_needed',
      scopesWanted: ['read'],
    } as const
    await world.store.write([{ do: 'update', resource: { ...stored, spec: waiting } }])
    await world.refresh()
    await world.connect('ann', here)
    expect(world.oauth.asked.at(-2)).toBe(
      'authorize write offline_access read for https://mcp.example.com/'.replace(
        'write offline_access read',
        'write read offline_access',
      ),
    )
    expect(await storedOf(world)).toMatchObject({ state: 'connected' })
    expect(await storedOf(world)).not.toHaveProperty('scopesWanted')
  })

  it('asks for the scopes that the server wants of who comes without any', async () => {
    const world = await connectionWorld(people)
    world.oauth.challenge = 'Bearer resource_metadata="https://mcp.example.com/x", scope="write admin"'
    await world.connect('ann', here)
    expect(world.oauth.asked).toContain('authorize write admin offline_access for https://mcp.example.com/')
  })

  it('leaves what works as it is until there is something better', async () => {
    const world = await connectionWorld(people)
    await world.connect('ann', here)
    const answer = await world.begin('ann', here)
    expect(world.connections.get(world.as('user', 'ann'), here)).toMatchObject({ state: 'connected' })
    world.oauth.tokens = new GatewayError('oauth_refused', { details: { reason: 'access_denied' } })
    expect(await failureOf(world.finish('ann', answer))).toMatchObject({ details: { reason: 'access_denied' } })
    expect(world.connections.get(world.as('user', 'ann'), here)).toMatchObject({
      state: 'connected',
      reason: 'connected',
    })
    world.oauth.tokens = { accessToken: 'AT-2', refreshToken: null, idToken: null, expiresAt: 5, scopes: ['less'] }
    await world.connect('ann', here)
    expect((await storedOf(world))?.secret).toMatchObject({ accessToken: 'AT-2', refreshToken: null, scopes: ['less'] })
  })

  it('says what became of it: declined, or not finished in time', async () => {
    const world = await connectionWorld(people)
    const state = () => world.connections.get(world.as('user', 'ann'), here)
    const answer = await world.begin('ann', here)
    await world.clock.advance(10 * minuteMs)
    expect(state()).toMatchObject({ state: 'missing', reason: 'abandoned' })
    expect(await failureOf(world.finish('ann', answer))).toMatchObject({ details: { reason: 'expired_state' } })
    world.oauth.tokens = new GatewayError('oauth_refused', { details: { reason: 'access_denied' } })
    await failureOf(world.finish('ann', await world.begin('ann', here)))
    expect(state()).toMatchObject({ state: 'needs_attention', reason: 'declined' })
    expect(world.events.at(-1)).toMatchObject({ outcome: 'oauth_refused', reason: 'access_denied' })
  })
})

describe('who comes back', () => {
  it('is refused with a state that is unknown, used, or there twice', async () => {
    const world = await connectionWorld(people)
    const answer = await world.begin('ann', here)
    const reasonOf = async (given: URLSearchParams) => (await failureOf(world.finish('ann', given))).details['reason']
    expect(await reasonOf(new URLSearchParams())).toBe('unknown_state')
    expect(await reasonOf(new URLSearchParams({ state: 'made up' }))).toBe('unknown_state')
    expect(await reasonOf(new URLSearchParams({ state: 'x'.repeat(600) }))).toBe('unknown_state')
    expect(await reasonOf(new URLSearchParams([...answer, ['state', 'another']]))).toBe('unknown_state')
    await world.finish('ann', answer)
    expect(await reasonOf(answer)).toBe('replayed_state')
    expect(world.oauth.asked.filter((one) => one.startsWith('exchange'))).toHaveLength(1)
  })

  it.each([
    { who: 'another person', by: 'bob', browser: 'browser of ann', reason: 'other_user' },
    { who: 'in another browser', by: 'ann', browser: 'browser of bob', reason: 'other_browser' },
  ])('is refused as $who, and nothing is exchanged', async ({ by, browser, reason }) => {
    const world = await connectionWorld(people)
    const answer = await world.begin('ann', here)
    expect(await failureOf(world.finish(by, answer, browser))).toMatchObject({
      code: 'oauth_refused',
      details: { reason },
    })
    expect(world.oauth.asked.some((one) => one.startsWith('exchange'))).toBe(false)
    expect(await storedOf(world)).toMatchObject({ secret: null })
    expect(await storedOf(world, 'srv_notes.user.usr_bob')).toBeUndefined()
  })

  it.each([
    ['another client', accountServer('notes', { clientId: 'other' }).spec],
    ['another address', { ...accountServer('notes', { clientId: 'ours' }).spec, ...elsewhere() }],
    ['tokens for another', accountServer('notes', { clientId: 'ours', resource: 'https://files.example.com/' }).spec],
  ])('is refused where the server has %s by now, or is gone', async (_what, spec) => {
    const world = await connectionWorld([everything, ann, accountServer('notes', { clientId: 'ours' })])
    const answer = await world.begin('ann', here)
    const stored = await world.stored('server', 'notes')
    if (!stored) throw new Error('no server')
    await world.store.write([{ do: 'update', resource: { ...stored, spec } }])
    await world.refresh()
    expect(await failureOf(world.finish('ann', answer))).toMatchObject({ details: { reason: 'client_changed' } })
    expect(world.oauth.asked.some((one) => one.startsWith('exchange'))).toBe(false)
    const again = await world.begin('ann', here)
    await world.store.write([
      { do: 'delete', kind: 'server', id: 'srv_notes', version: null, at: 2, by: 'x' },
      // Somebody else's, who calls it what the other was.
      { do: 'create', resource: { ...accountServer('srv_notes', { clientId: 'ours' }), id: 'srv_other' } },
    ])
    await world.refresh()
    expect((await failureOf(world.finish('ann', again))).code).toBe('no_such_resource')
  })
})

describe('an account at an identity provider', () => {
  it('is asked for as a sign-in, and for no server', async () => {
    const subject = { issuer: 'https://login.example.com', clientId: 'ours' }
    const exchange = {
      kind: 'oauth2_token_exchange',
      issuer: 'https://as.example.com',
      clientId: 'c',
      clientSecret: 's',
      subject,
    }
    const world = await connectionWorld([everything, ann, accountServer('notes', exchange)])
    expect(await world.connect('ann', here)).toMatchObject({ kind: 'account', state: 'connected' })
    expect(world.oauth.asked).toEqual([
      'authorize openid offline_access for null',
      'exchange as ours with the verifier',
    ])
    expect((await storedOf(world))?.secret).toMatchObject({
      issuer: 'https://login.example.com',
      clientId: 'ours',
      resource: null,
    })
  })
})

describe('two authorization servers', () => {
  it('have places of their own to send browsers back to, where they register the gateway', async () => {
    const world = await connectionWorld(people)
    const first = await world.begin('ann', here)
    const ofFirst = world.oauth.callback
    world.oauth.server = { ...world.oauth.server, issuer: 'https://other.example.com' }
    await world.begin('ann', here)
    expect(world.oauth.callback).not.toBe(ofFirst)
    // The answer to the first comes where answers of the second belong.
    expect(await failureOf(world.finish('ann', first))).toMatchObject({ details: { reason: 'wrong_issuer' } })
    expect(world.oauth.asked.some((one) => one.startsWith('exchange'))).toBe(false)
  })

  it('are not asked again and again by one person', async () => {
    const world = await connectionWorld(people)
    world.exhausted.add('connect by usr_ann')
    expect((await failureOf(world.begin('ann', here))).code).toBe('rate_limited')
    expect(world.oauth.asked).toEqual([])
  })
})

describe('a link', () => {
  const linkFor = (world: ConnectionWorld, ref: string) => {
    const url = connectUrl(
      world.all,
      { id: 'srv_notes', name: 'notes' },
      { owner: { kind: 'user', ref }, elicitationId: 'e-1' },
    )
    return new URL(url ?? '').searchParams.get('for') ?? ''
  }

  it('lets its owner connect a server that only a token of hers may call', async () => {
    const world = await connectionWorld(people)
    expect((await failureOf(world.begin('dot', here))).code).toBe('no_such_resource')
    const answer = await world.begin('dot', { server: 'notes', link: linkFor(world, 'usr_dot') })
    expect(await world.finish('dot', answer)).toMatchObject({ state: 'connected', owner: { name: 'dot' } })
  })

  it('lets nobody else do anything, an admin neither', async () => {
    const world = await connectionWorld([...people, resource('user', 'root', { role: 'admin' })])
    const link = linkFor(world, 'usr_ann')
    for (const by of ['bob', 'root'])
      expect(await failureOf(world.begin(by, { server: 'notes', link }))).toMatchObject({
        code: 'forbidden',
        details: { reason: 'other_user' },
      })
    expect(await storedOf(world)).toBeUndefined()
  })

  it('is for one server, and for a day', async () => {
    const world = await connectionWorld([...people, accountServer('files')])
    const link = linkFor(world, 'usr_ann')
    const reasonOf = async (words: { server: string; link: string }) =>
      (await failureOf(world.begin('ann', words))).details['reason']
    expect(await reasonOf({ server: 'files', link })).toBe('link_ended')
    expect(await reasonOf({ server: 'notes', link: 'made up' })).toBe('link_ended')
    await world.clock.advance(24 * 60 * minuteMs)
    expect(await reasonOf({ server: 'notes', link })).toBe('link_ended')
  })
})
