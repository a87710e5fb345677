import { describe, expect, it } from 'vitest'
import { createMemoryResourceStore } from '#adapters/memory/resource-store.ts'
import { failureOf } from '#test/support/failure.ts'
import { create, oneOfEachKind, remove, update } from '#test/support/resource-writes.ts'
import { resource } from '#test/support/resources.ts'
import { formerSealer, openTestVault } from '#test/support/vault.ts'
import { createSealedStore } from './seal-resources.ts'
import { sealedTextOf } from './sealed-spec.ts'
import type { Resource } from './resource-store.ts'

const canary = 'sk-canary-7f3a'
const server = resource('server', 'github', {
  transport: {
    kind: 'streamable_http',
    url: `https://example.com/mcp?key=${canary}`,
    credential: { kind: 'bearer', token: canary },
  },
})
const team = resource('team', 'blue')

/** As a medium has it. */
function withSpec(spec: unknown): Resource {
  return { ...server, spec } as Resource
}

describe('a sealed store', () => {
  it('shows the medium nothing of a server, and its readers all of it', async () => {
    const medium = createMemoryResourceStore()
    const { vault } = await openTestVault()
    const store = createSealedStore(medium, vault)
    await store.write([create(server), create(team)])
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
    const { vault } = await openTestVault()
    await createSealedStore(medium, vault).write([create(team)])
    expect((await medium.get('team', team.id))?.spec).toEqual(team.spec)
  })

  it('lets the medium see who names whom, so that a delete finds what is sealed', async () => {
    const medium = createMemoryResourceStore()
    const { vault } = await openTestVault()
    const store = createSealedStore(medium, vault)
    await store.write(oneOfEachKind().map(create))
    expect(await failureOf(store.write([remove(resource('secret', 'key'))]))).toMatchObject({
      code: 'still_referenced',
    })
    expect(await store.list('credential', { limit: 9 })).toHaveLength(1)
    await store.write([remove(resource('user', 'ann'))])
    expect(await store.list('credential', { limit: 9 })).toEqual([])
    await store.write([remove(resource('server', 'github')), remove(resource('secret', 'key'))])
    expect(await store.get('secret', 'sec_key')).toBeNull()
  })

  it('gives nothing of what was sealed under another key, or for another server', async () => {
    const medium = createMemoryResourceStore()
    const { vault } = await openTestVault()
    const store = createSealedStore(medium, vault)
    await store.write([create(server)])
    const elsewhere = createSealedStore(medium, (await openTestVault()).vault)
    expect(await failureOf(elsewhere.get('server', server.id))).toMatchObject({ code: 'internal' })
    const stored = await medium.get('server', server.id)
    if (!stored) throw new Error('it was stored')
    await medium.write([create({ ...stored, id: 'srv_other', name: 'other' })])
    expect(await failureOf(store.get('server', 'srv_other'))).toMatchObject({ code: 'internal' })
  })

  it('reads what was sealed before there were data keys, and stores it under one at its next change', async () => {
    const medium = createMemoryResourceStore()
    const sealed = formerSealer('a').seal(JSON.stringify(server.spec), `server ${server.id}`)
    await medium.write([create(withSpec({ sealed }))])
    const { vault } = await openTestVault({ letter: 'a' })
    const store = createSealedStore(medium, vault)
    const found = await store.get('server', server.id)
    expect(found?.spec).toEqual(server.spec)
    await store.write([update(server)])
    const stored = await medium.get('server', server.id)
    expect(stored && sealedTextOf(stored)).toMatch(`sealed2:${vault.keyId}:`)
    expect((await store.get('server', server.id))?.spec).toEqual(server.spec)
  })

  it('asks once for keys that another process has made, and for none that it knows', async () => {
    const medium = createMemoryResourceStore()
    const one = await openTestVault()
    const other = await openTestVault({ store: one.store })
    let looks = 0
    const reload = (): Promise<void> => {
      looks++
      return other.vault.reload()
    }
    const store = createSealedStore(medium, Object.assign(Object.create(other.vault), { reload }))
    await createSealedStore(medium, one.vault).write([create(server)])
    await store.load()
    expect(looks).toBe(0)
    await one.ring.replace()
    await createSealedStore(medium, one.vault).write([
      update(server),
      create({ ...server, id: 'srv_b', name: 'b' }),
      create({ ...server, id: 'srv_c', name: 'c' }),
    ])
    expect((await store.load()).changed).toHaveLength(3)
    expect(looks).toBe(1)
    await store.load()
    expect(looks).toBe(1)
  })
})
