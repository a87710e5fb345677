import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createSealer } from '#adapters/crypto/sealer.ts'
import { createMemoryResourceStore } from '#adapters/memory/resource-store.ts'
import { failureOf } from '#test/support/failure.ts'
import { resource } from '#test/support/resources.ts'
import { createSealedStore } from './seal-servers.ts'

const canary = 'sk-canary-7f3a'
const server = resource('server', 'github', {
  transport: {
    kind: 'streamable_http',
    url: `https://example.com/mcp?key=${canary}`,
    credential: { kind: 'bearer', token: canary },
  },
})
const team = resource('team', 'blue')
const sealerOf = (letter: string) => createSealer({ current: Buffer.from(letter.repeat(32)), previous: null })

describe('a sealed store', () => {
  it('shows the medium nothing of a server, and its readers all of it', async () => {
    const medium = createMemoryResourceStore()
    const store = createSealedStore(medium, sealerOf('a'))
    await store.write([
      { do: 'create', resource: server },
      { do: 'create', resource: team },
    ])
    expect(JSON.stringify(await medium.load())).not.toContain(canary)
    expect((await store.get('server', server.id))?.spec).toEqual(server.spec)
    expect((await store.find('server', 'github'))?.spec).toEqual(server.spec)
    expect((await store.list('server', { limit: 10 })).map(({ spec }) => spec)).toEqual([server.spec])
    const loaded = await store.load()
    expect(loaded.changed.find(({ kind }) => kind === 'server')?.spec).toEqual(server.spec)
    expect((await store.changesSince(0)).changed).toHaveLength(2)
  })

  it('leaves the other kinds as they are, so that they can be looked for', async () => {
    const medium = createMemoryResourceStore()
    await createSealedStore(medium, sealerOf('a')).write([{ do: 'create', resource: team }])
    expect((await medium.get('team', team.id))?.spec).toEqual(team.spec)
  })

  it('gives nothing of what was sealed under another key, or for another server', async () => {
    const medium = createMemoryResourceStore()
    await createSealedStore(medium, sealerOf('a')).write([{ do: 'create', resource: server }])
    const elsewhere = createSealedStore(medium, createSealer({ current: randomBytes(32), previous: null }))
    expect(await failureOf(elsewhere.get('server', server.id))).toMatchObject({ code: 'internal' })
    const stored = await medium.get('server', server.id)
    if (!stored) throw new Error('it was stored')
    const moved = { ...stored, id: 'srv_other', name: 'other' }
    await medium.write([{ do: 'create', resource: moved }])
    expect(await failureOf(createSealedStore(medium, sealerOf('a')).get('server', moved.id))).toMatchObject({
      code: 'internal',
    })
  })
})
