/** A secret that leaked is often an older one: to end a token is to end all that it took the place of. */
import { describe, expect, it } from 'vitest'
import { deleteResource } from '#control/delete-resource.ts'
import { introspectToken } from '#control/introspect-token.ts'
import { mintToken, type MintedToken } from '#control/mint-token.ts'
import { revokeToken } from '#control/revoke-token.ts'
import { rotateToken } from '#control/rotate-token.ts'
import { controlWorld, type ControlWorld } from '../support/control-world.ts'
import { resource } from '../support/resources.ts'

const admin = resource('user', 'admin', { role: 'admin' })
const weekMs = 7 * 86_400_000

/** A token that was rotated as often, each of them still good. The first is the oldest. */
async function rotated(times: number): Promise<{ world: ControlWorld; minted: MintedToken[] }> {
  const world = await controlWorld([admin])
  const by = world.as('user', 'admin')
  const minted = [await mintToken(world.deps, by, { name: 'ci' })]
  for (let time = 0; time < times; time++)
    minted.push(await rotateToken(world.deps, by, { ref: 'ci', version: null, body: { overlapMs: weekMs } }))
  world.events.splice(0)
  return { world, minted }
}

function areGood(world: ControlWorld, minted: readonly MintedToken[]): boolean[] {
  const { actor } = world.as('user', 'admin')
  return minted.map(({ secret }) => introspectToken(world.deps, actor, secret).active)
}

const revoke = (world: ControlWorld, ref: string, version: number | null = null) =>
  revokeToken(world.deps, world.as('user', 'admin'), { ref, version })
const remove = (world: ControlWorld, ref: string) =>
  deleteResource(world.deps, world.as('user', 'admin'), { kind: 'token', ref, version: null })

describe('a token that was rotated twice', () => {
  it.each([
    ['revoked', revoke],
    ['deleted', remove],
  ])('is %s with both of those before it, and each leaves an event', async (_what, end) => {
    const { world, minted } = await rotated(2)
    expect(areGood(world, minted)).toEqual([true, true, true])
    await end(world, 'ci')
    expect(areGood(world, minted)).toEqual([false, false, false])
    const [oldest, older] = await Promise.all(minted.map(({ token }) => world.store.get('token', token.id)))
    expect([oldest?.spec.revokedAt, older?.spec.revokedAt]).toEqual([world.clock.now(), world.clock.now()])
    const told = world.events.map(({ action, resource, outcome }) => [action, resource.id, outcome])
    const action = end === revoke ? 'revoke' : 'delete'
    expect(told).toEqual([
      ['revoke', minted[1]?.token.id, 'ok'],
      ['revoke', minted[0]?.token.id, 'ok'],
      [action, minted[2]?.token.id, 'ok'],
    ])
  })

  it('is left alone where one before it is revoked', async () => {
    const { world, minted } = await rotated(2)
    await revoke(world, minted[1]?.token.id ?? '')
    expect(areGood(world, minted)).toEqual([false, false, true])
  })

  it('is revoked whole by a request of itself', async () => {
    const { world, minted } = await rotated(1)
    await revokeToken(world.deps, world.as('token', 'ci'), { ref: 'ci', version: null })
    expect(areGood(world, minted)).toEqual([false, false])
  })

  it('is revoked whole where one between is over already', async () => {
    const { world, minted } = await rotated(1)
    const by = world.as('user', 'admin')
    minted.push(await rotateToken(world.deps, by, { ref: 'ci', version: null, body: { overlapMs: 0 } }))
    expect(areGood(world, minted)).toEqual([true, false, true])
    await revoke(world, 'ci')
    expect(areGood(world, minted)).toEqual([false, false, false])
  })

  it('is revoked whole where this process has not heard of the rotation yet', async () => {
    const { world, minted } = await rotated(0)
    const by = world.as('user', 'admin')
    const elsewhere = { ...world.deps, announce: async () => undefined }
    minted.push(await rotateToken(elsewhere, by, { ref: 'ci', version: null, body: {} }))
    await revoke(world, minted[1]?.token.id ?? '')
    expect(areGood(world, minted)).toEqual([false, false])
  })

  it('keeps all or loses all: of another version than was seen nothing is revoked', async () => {
    const { world, minted } = await rotated(2)
    await expect(revoke(world, 'ci', 9)).rejects.toMatchObject({ code: 'version_conflict' })
    expect(areGood(world, minted)).toEqual([true, true, true])
    expect(world.events.map(({ outcome }) => outcome)).toEqual(['version_conflict'])
  })

  it('that was revoked before what stood before it could be is revoked again, whole', async () => {
    const { world, minted } = await rotated(1)
    const token = await world.stored('token', 'ci')
    if (!token) throw new Error('there is no token')
    await world.store.write([{ do: 'update', resource: { ...token, spec: { ...token.spec, revokedAt: 1 } } }])
    const view = await revoke(world, 'ci')
    expect([view['revokedAt'], areGood(world, minted)]).toEqual([1, [false, false]])
  })
})
