/** Who may make tokens of its own, and would fill the database with them. */
import { describe, expect, it, vi } from 'vitest'
import { deleteResource } from '#control/delete-resource.ts'
import { mintToken } from '#control/mint-token.ts'
import { revokeToken } from '#control/revoke-token.ts'
import { rotateToken } from '#control/rotate-token.ts'
import { controlWorld, type ControlWorld } from '../support/control-world.ts'
import { failureOf } from '../support/failure.ts'
import { resource } from '../support/resources.ts'

const mia = resource('user', 'mia')
const noah = resource('user', 'noah')
const team = resource('team', 'web', { members: [{ user: mia.id, role: 'admin' }] })
const max = 3

async function smallWorld(): Promise<ControlWorld> {
  const world = await controlWorld([mia, noah, team])
  world.limits.tokensPerOwnerMax = max
  return world
}

const mint = (world: ControlWorld, name: string, { by = 'mia', ...more }: { by?: string; owner?: object } = {}) =>
  mintToken(world.deps, world.as('user', by), { name, ...more })
const rotate = (world: ControlWorld, ref: string) =>
  rotateToken(world.deps, world.as('user', 'mia'), { ref, version: null, body: { overlapMs: 0 } })

async function fill(world: ControlWorld): Promise<void> {
  for (let count = 0; count < max; count++) await mint(world, `t${count}`)
}

describe('the limit of the tokens of one owner', () => {
  it('holds, and is told by its name', async () => {
    const world = await smallWorld()
    await fill(world)
    expect(await failureOf(mint(world, 'more'))).toMatchObject({
      code: 'too_many_tokens',
      details: { tokensPerOwnerMax: max },
    })
    expect(world.events.at(-1)).toMatchObject({ action: 'mint', outcome: 'too_many_tokens' })
  })

  it('holds for many that are made at the same moment', async () => {
    const world = await smallWorld()
    const minted = await Promise.allSettled(Array.from({ length: 12 }, (_, count) => mint(world, `t${count}`)))
    expect(minted.filter(({ status }) => status === 'fulfilled')).toHaveLength(max)
    expect(await world.store.list('token', { limit: 100 })).toHaveLength(max)
  })

  it('holds for who rotates and revokes, because what has ended stays', async () => {
    const world = await smallWorld()
    await mint(world, 'ci')
    await rotate(world, 'ci')
    await rotate(world, 'ci')
    await revokeToken(world.deps, world.as('user', 'mia'), { ref: 'ci', version: null })
    expect((await failureOf(mint(world, 'ci'))).code).toBe('too_many_tokens')
    await deleteResource(world.deps, world.as('user', 'mia'), { kind: 'token', ref: 'ci', version: null })
    await mint(world, 'ci')
    expect((await failureOf(rotate(world, 'ci'))).code).toBe('too_many_tokens')
  })

  it('is of each owner: nobody uses up another’s, nor a team’s', async () => {
    const world = await smallWorld()
    await fill(world)
    await mint(world, 'of-noah', { by: 'noah' })
    await mint(world, 'of-web', { owner: { kind: 'team', ref: 'web' } })
    expect(await world.store.list('token', { limit: 100 })).toHaveLength(max + 2)
  })

  it('has room again after one that could not be stored', async () => {
    const world = await smallWorld()
    const lost = vi.spyOn(world.store, 'write').mockRejectedValue(new Error('the store is away'))
    await Promise.allSettled(Array.from({ length: 5 }, (_, count) => mint(world, `t${count}`)))
    lost.mockRestore()
    await fill(world)
    expect(await world.store.list('token', { limit: 100 })).toHaveLength(max)
  })
})
