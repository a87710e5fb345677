import { describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import { accountServer, connectionWorld, keyServer } from '#test/support/connection-world.ts'
import { failureOf } from '#test/support/failure.ts'
import { resource } from '#test/support/resources.ts'

const everything = resource('policy', 'all', { default: 'execute' })
const root = resource('user', 'root', { role: 'admin' })
const ann = resource('user', 'ann', { policies: ['pol_all'] })
const notes = accountServer('notes')
const files = keyServer('files', { credential: { kind: 'bearer', owner: 'user' }, variables: [{ name: 'REGION' }] })
const all = [everything, root, ann, notes, files]
const here = { server: 'notes' }

describe('disconnecting', () => {
  it('tells the authorization server, the refresh token first, and keeps nothing', async () => {
    const world = await connectionWorld(all)
    await world.connect('ann', here)
    expect(await world.connections.revoke(world.as('user', 'ann'), here)).toMatchObject({
      state: 'revoked',
      reason: 'revoked',
      scopes: null,
    })
    expect(world.oauth.revoked).toEqual(['refresh_token RT-1', 'access_token AT-1'])
    const stored = await world.store.find('credential', 'srv_notes.user.usr_ann')
    expect(stored?.spec).toMatchObject({ state: 'revoked', secret: null, variables: {} })
    expect(world.events.at(-1)).toMatchObject({
      action: 'revoke',
      outcome: 'ok',
      changed: ['told the authorization server'],
    })
  })

  it('ends it here as well where nobody can be told', async () => {
    const world = await connectionWorld(all)
    await world.connect('ann', here)
    world.oauth.revokes = new GatewayError('credential_unavailable', { details: { reason: 'unreachable' } })
    expect(await world.connections.revoke(world.as('user', 'ann'), here)).toMatchObject({ state: 'revoked' })
    expect(world.events.at(-1)).toMatchObject({ outcome: 'ok', changed: ['not told: it could not be asked'] })
  })

  it('shows a token to nobody but who issued it', async () => {
    const world = await connectionWorld(all)
    await world.connect('ann', here)
    world.oauth.server = { ...world.oauth.server, issuer: 'https://other.example.com' }
    await world.connections.revoke(world.as('user', 'ann'), here)
    expect(world.oauth.revoked).toEqual([])
  })

  it('is done by an admin for others, and then the owner can connect again', async () => {
    const world = await connectionWorld(all)
    await world.connect('ann', here)
    expect(await world.connections.revoke(world.as('user', 'root'), { ...here, owner: 'user:ann' })).toMatchObject({
      state: 'revoked',
    })
    expect(await world.connect('ann', here)).toMatchObject({ state: 'connected' })
  })

  it('takes a key and values away together', async () => {
    const world = await connectionWorld(all)
    const by = world.as('user', 'ann')
    const words = { server: 'files' }
    await world.connections.setVariables(by, { words, body: { values: { REGION: 'eu' } } })
    await world.connections.setKey(by, { words, body: { token: 'T' } })
    expect(await world.connections.revoke(by, words)).toMatchObject({ state: 'revoked', variables: [{ isSet: false }] })
    expect(world.oauth.revoked).toEqual([])
  })

  it('has nothing to do where there is nothing', async () => {
    const world = await connectionWorld(all)
    expect((await failureOf(world.connections.revoke(world.as('user', 'ann'), here))).code).toBe('no_such_resource')
  })
})
