/** What the places of a database do whose rows name the keys that they are sealed under. */
import { beforeEach, describe, expect, it } from 'vitest'
import { answerContext } from '#core/resources/sealed-answer.ts'
import type { IdempotencyStore } from '#core/resources/idempotency-store.ts'
import type { Resource, ResourceStore } from '#core/resources/resource-store.ts'
import { createSealedStore } from '#core/resources/seal-resources.ts'
import type { KeyStore } from '#core/vault/key-store.ts'
import { forgetUnreadable } from '#core/vault/forget-lost.ts'
import { beginRotation, finishRotation, type RotationEnd } from '#core/vault/rotate-keys.ts'
import type { SealedPlace } from '#core/vault/sealed-place.ts'
import type { Vault } from '#core/vault/vault.ts'
import { failureOf } from '../support/failure.ts'
import { create, remove, update } from '../support/resource-writes.ts'
import { resource } from '../support/resources.ts'
import { formerSealer, openTestVault, type TestVault } from '../support/vault.ts'

export type SealedParts = {
  keys: KeyStore
  resources: ResourceStore
  idempotency: IdempotencyStore
  places: readonly SealedPlace[]
}

const request = { scope: 'usr_ann', key: 'k1', fingerprint: 'POST /api/v1/tokens abc' }
const times = { now: 1_000, unknownFrom: 2_000, until: 9_000 }
const canary = 'sk-canary-51f0'

const server = (name: string): Resource<'server'> =>
  resource('server', name, {
    transport: {
      kind: 'streamable_http',
      url: 'https://example.com/mcp',
      credential: { kind: 'bearer', token: canary },
    },
  })

/** `createParts` gives the stores of one empty database. */
export function sealedPlacesContract(createParts: () => Promise<SealedParts>): void {
  describe('the places of sealed texts', () => {
    let parts: SealedParts
    let opened: TestVault
    let store: ResourceStore

    beforeEach(async () => {
      parts = await createParts()
      opened = await openTestVault({ store: parts.keys })
      store = createSealedStore(parts.resources, opened.vault)
    })

    async function answer(vault: Pick<Vault, 'seal'>, key: string): Promise<void> {
      const one = { ...request, key }
      await parts.idempotency.claim(one, times)
      await parts.idempotency.settle(one, { status: 201, body: vault.seal(canary, answerContext(one)) }, times.until)
    }

    const answerOf = async (vault: Vault, key: string): Promise<string | null> => {
      const one = { ...request, key }
      const claim = await parts.idempotency.claim(one, times)
      return claim.state === 'settled' ? vault.open(claim.answer.body, answerContext(one)) : null
    }

    const counts = async (): Promise<Record<string, number>[]> =>
      Promise.all(parts.places.map(async (place) => Object.fromEntries(await place.count())))

    async function rotate(by: TestVault = opened): Promise<RotationEnd> {
      const deps = { ...by, places: parts.places }
      await beginRotation(deps)
      return finishRotation(deps, { afterEach: () => Promise.resolve(), batchMax: 2 })
    }

    it('count what is sealed under each key, and under none', async () => {
      const former = formerSealer('a')
      const sealed = former.seal(JSON.stringify(server('old').spec), 'server srv_old')
      await parts.resources.write([create({ ...server('old'), spec: { sealed } } as unknown as Resource)])
      await store.write([create(server('one')), create(server('two')), create(resource('team', 'blue'))])
      await answer(opened.vault, 'k1')
      await answer(former, 'k2')
      expect(await counts()).toEqual([
        { '': 1, [opened.vault.keyId]: 2 },
        { '': 1, [opened.vault.keyId]: 1 },
      ])
    })

    it('bring everything under a new key: nothing else changes, and who reads changes learns of none', async () => {
      const former = formerSealer('a')
      const sealed = former.seal(JSON.stringify(server('old').spec), 'server srv_old')
      await parts.resources.write([create({ ...server('old'), spec: { sealed } } as unknown as Resource)])
      await parts.resources.write([create(server('plain'))])
      const names = ['one', 'two', 'three', 'four', 'five']
      await store.write(names.map((name) => create(server(name))))
      for (const key of ['k1', 'k2', 'k3']) await answer(opened.vault, key)
      await answer(former, 'k4')
      const [before, oldKey] = [await store.load(), opened.vault.keyId]
      expect(await rotate()).toEqual({ resealed: 11, deleted: [oldKey], kept: [], unreadable: 0 })
      expect(opened.vault.keyId).not.toBe(oldKey)
      expect(await counts()).toEqual([{ [opened.vault.keyId]: 7 }, { [opened.vault.keyId]: 4 }])
      expect(await store.load()).toEqual(before)
      expect((await store.changesSince(before.upTo)).changed).toEqual([])
      for (const key of ['k1', 'k2', 'k3', 'k4']) expect(await answerOf(opened.vault, key)).toBe(canary)
      expect(JSON.stringify(await parts.resources.load())).not.toContain(canary)
    })

    it('let another process go on reading and writing, which learns of the key when it needs it', async () => {
      const other = await openTestVault({ store: parts.keys })
      const otherStore = createSealedStore(parts.resources, other.vault)
      await store.write([create(server('one'))])
      const oldKey = opened.vault.keyId
      await rotate()
      // Its key is deleted, and it does not know.
      expect(other.vault.keyId).toBe(oldKey)
      await otherStore.write([create(server('two'))])
      expect(other.vault.keyId).toBe(opened.vault.keyId)
      expect((await otherStore.find('server', 'one'))?.spec).toEqual(server('one').spec)
      expect((await store.find('server', 'two'))?.spec).toEqual(server('two').spec)
    })

    it('let another process read what is under a key that it has never seen', async () => {
      const other = await openTestVault({ store: parts.keys })
      await store.write([create(server('one'))])
      await rotate()
      expect((await createSealedStore(parts.resources, other.vault).load()).changed[0]?.spec).toEqual(
        server('one').spec,
      )
    })

    it('refuse what is sealed under a key that is deleted', async () => {
      const stale = opened.vault.seal(JSON.stringify(server('one').spec), 'server srv_one')
      await store.write([create(server('one'))])
      const body = opened.vault.seal(canary, answerContext(request))
      await rotate()
      const spec = { sealed: stale }
      const one = { ...server('one'), spec } as unknown as Resource
      expect(await failureOf(parts.resources.write([update(one)]))).toMatchObject({ code: 'sealing_key_replaced' })
      expect((await store.find('server', 'one'))?.version).toBe(1)
      await parts.idempotency.claim(request, times)
      const settled = parts.idempotency.settle(request, { status: 201, body }, times.until)
      expect(await failureOf(settled)).toMatchObject({ code: 'sealing_key_replaced' })
      expect(await parts.idempotency.claim(request, times)).toEqual({ state: 'under_way' })
    })

    it('leave a text alone that was changed since it was seen', async () => {
      await store.write([create(server('one'))])
      await answer(opened.vault, 'k1')
      await opened.ring.replace()
      for (const place of parts.places) {
        const [seen] = await place.list({ notUnder: opened.vault.keyId, after: null, limit: 10 })
        if (!seen) throw new Error('there is one')
        const sealed = opened.vault.seal('another', seen.context)
        expect(await place.replace([{ seen: { ...seen, text: `${seen.text}A` }, sealed }])).toBe(0)
      }
      expect((await store.find('server', 'one'))?.spec).toEqual(server('one').spec)
      expect(await answerOf(opened.vault, 'k1')).toBe(canary)
    })

    it('lose nothing of what is written meanwhile', async () => {
      const names = Array.from({ length: 30 }, (_, index) => `s${index}`)
      await store.write(names.map((name) => create(server(name))))
      const writer = createSealedStore(parts.resources, (await openTestVault({ store: parts.keys })).vault)
      const rotations = { areOver: false }
      const writing = (async () => {
        let writes = 0
        for (; !rotations.areOver || writes < 60; writes++) {
          const name = names[writes % names.length] ?? ''
          const seen = await writer.find('server', name)
          if (!seen) throw new Error(`${name} is gone`)
          const labels = { writes: String(Number(seen.labels['writes'] ?? 0) + 1) }
          await writer.write([update({ ...seen, labels })])
        }
        return writes
      })()
      for (let round = 0; round < 3; round++) expect((await rotate()).kept).toEqual([])
      rotations.areOver = true
      const writes = await writing
      const { changed } = await store.load()
      expect(changed.reduce((sum, { labels }) => sum + Number(labels['writes'] ?? 0), 0)).toBe(writes)
      expect(changed.reduce((sum, { version }) => sum + version - 1, 0)).toBe(writes)
      expect((await parts.keys.list()).filter(({ retiredAt }) => retiredAt !== null)).toEqual([])
    })

    it('keep a key that is still needed for what cannot be opened, and say so', async () => {
      await store.write([create(server('one')), create(server('two'))])
      const oldKey = opened.vault.keyId
      const other = await openTestVault()
      const foreign = `sealed2:${oldKey}:${other.vault.seal('{}', 'server srv_one').split(':')[2] ?? ''}`
      const damaged = { ...server('one'), spec: { sealed: foreign } } as unknown as Resource
      await parts.resources.write([update(damaged)])
      expect(await rotate()).toEqual({ resealed: 1, deleted: [], kept: [oldKey], unreadable: 1 })
      expect((await store.find('server', 'two'))?.spec).toEqual(server('two').spec)
      expect(await failureOf(store.find('server', 'one'))).toMatchObject({ code: 'internal' })
      // The next one goes on with it, and makes no third key.
      const { keyId } = opened.vault
      expect(await rotate()).toMatchObject({ resealed: 0, kept: [oldKey], unreadable: 1 })
      expect(opened.vault.keyId).toBe(keyId)
      const forgotten = { deleted: [{ place: 'resources', id: 'srv_one' }], kept: [], keys: [oldKey] }
      expect(await forgetUnreadable({ store: parts.keys, vault: opened.vault, places: parts.places })).toEqual(
        forgotten,
      )
      expect(await store.find('server', 'one')).toBeNull()
      expect((await store.find('server', 'two'))?.spec).toEqual(server('two').spec)
    })

    it('leave to be seen what a sealed resource names, also when it is forgotten', async () => {
      const secret = resource('secret', 'key')
      const transport = {
        kind: 'streamable_http',
        url: 'https://example.com/mcp',
        credential: { kind: 'bearer', token: { secretRef: secret.id } },
      }
      await store.write([create(secret), create(resource('server', 'one', { transport }))])
      const referrers = [{ kind: 'server', id: 'srv_one', name: 'one' }]
      expect(await store.referrers('secret', secret.id, 10)).toEqual(referrers)
      await rotate()
      expect(await store.referrers('secret', secret.id, 10)).toEqual(referrers)
      const seen = await store.get('server', 'srv_one')
      if (!seen) throw new Error('it was stored')
      await store.write([update({ ...seen, labels: { a: 'b' } })])
      expect(await store.referrers('secret', secret.id, 10)).toEqual(referrers)
      expect(await failureOf(store.write([remove(secret)]))).toMatchObject({ code: 'still_referenced' })
      const next = await openTestVault({ store: parts.keys, letter: 'b', isAnyhow: true })
      const { deleted, kept } = await forgetUnreadable({ ...next, places: parts.places })
      expect(deleted.map(({ id }) => id).toSorted()).toEqual([secret.id, 'srv_one'])
      expect(kept).toEqual([])
    })

    it('forget what a lost master key sealed, and nothing else', async () => {
      await store.write([create(server('one')), create(server('two')), create(resource('team', 'blue'))])
      await answer(opened.vault, 'k1')
      const lostKey = opened.vault.keyId
      const next = await openTestVault({ store: parts.keys, letter: 'b', isAnyhow: true })
      const nextStore = createSealedStore(parts.resources, next.vault)
      await nextStore.write([create(server('three'))])
      await answer(next.vault, 'k2')
      const { deleted, kept, keys } = await forgetUnreadable({ ...next, places: parts.places })
      expect(deleted.map(({ place, id }) => `${place} ${id}`)).toEqual([
        'resources srv_one',
        'resources srv_two',
        'answers ["usr_ann","k1"]',
      ])
      expect([kept, keys]).toEqual([[], [lostKey]])
      const { changed } = await nextStore.load()
      expect(changed.map(({ name }) => name).toSorted()).toEqual(['blue', 'three'])
      expect(await answerOf(next.vault, 'k2')).toBe(canary)
      // It was done, and what it answered is not known: it is not done again.
      expect(await parts.idempotency.claim({ ...request, key: 'k1' }, times)).toEqual({ state: 'unknown' })
      expect(await parts.keys.list()).toMatchObject([{ id: next.vault.keyId, retiredAt: null }])
    })
  })
}
