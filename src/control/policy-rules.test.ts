import { describe, expect, it } from 'vitest'
import { controlWorld } from '#test/support/control-world.ts'
import { failureOf } from '#test/support/failure.ts'
import { resource } from '#test/support/resources.ts'
import { createResource } from './create-resource.ts'
import { updateResource } from './update-resource.ts'

const admin = resource('user', 'admin', { role: 'admin' })
const files = resource('server', 'filesystem', { aliases: ['fs'] })
const denies = (server: string) => [
  { server: '*', level: 'execute' },
  { server, level: 'deny' },
]

describe('a rule of a policy', () => {
  it('that names an alias is refused: it would match nothing, and so deny nothing', async () => {
    const world = await controlWorld([admin, files])
    const body = { name: 'safe', rules: denies('fs') }
    expect(
      await failureOf(createResource(world.deps, world.as('user', 'admin'), { kind: 'policy', body })),
    ).toMatchObject({
      code: 'invalid_body',
      details: { problems: [{ path: 'rules[1].server' }] },
    })
    expect(await world.store.find('policy', 'safe')).toBeNull()
  })

  it.each(['filesystem', 'fs*', 'label:fs', 'not-there-yet'])('may name %s', async (server) => {
    const world = await controlWorld([admin, files])
    const body = { name: 'safe', rules: denies(server) }
    const view = await createResource(world.deps, world.as('user', 'admin'), { kind: 'policy', body })
    expect(view['rules']).toMatchObject([{}, { server, level: 'deny' }])
  })

  it('that named what has become an alias since may stay', async () => {
    const old = resource('policy', 'old', { rules: [{ server: 'fs', level: 'deny' }] })
    const world = await controlWorld([admin, files, old])
    const update = (rules: object[]) =>
      updateResource(world.deps, world.as('user', 'admin'), {
        kind: 'policy',
        ref: 'old',
        version: null,
        body: { name: 'old', description: 'Old.', rules },
      })
    expect(await update([{ server: 'fs', level: 'deny' }])).toMatchObject({ description: 'Old.' })
    expect((await failureOf(update([{ server: 'fs', level: 'read' }]))).code).toBe('invalid_body')
  })
})
