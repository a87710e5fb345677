import { beforeEach, describe, expect, it } from 'vitest'
import { aesDataKeys } from '#adapters/crypto/data-keys.ts'
import { createLocalWrapper } from '#adapters/crypto/local-wrapper.ts'
import { createMemoryKeyStore } from '#adapters/memory/key-store.ts'
import { GatewayError } from '#contract/errors.ts'
import { failureOf } from '#test/support/failure.ts'
import { openTestVault, secretOf } from '#test/support/vault.ts'
import type { KeyStore } from './key-store.ts'
import type { KeyWrapper } from './key-wrapper.ts'

const away = new GatewayError('vault_unavailable', { details: { reason: 'The vault cannot be reached.' } })

describe('a key ring', () => {
  let store: KeyStore
  beforeEach(() => {
    store = createMemoryKeyStore()
  })

  it('makes the first key, which the store has only wrapped', async () => {
    const made: Uint8Array[] = []
    const wrapper: KeyWrapper = {
      ...createLocalWrapper(secretOf('a')),
      wrap: (key, context) => {
        made.push(key)
        return createLocalWrapper(secretOf('a')).wrap(key, context)
      },
    }
    const { vault } = await openTestVault({ store, wrapper })
    const [stored] = await store.list()
    expect(stored).toMatchObject({ id: vault.keyId, wrappedBy: wrapper.id, retiredAt: null })
    expect(made.map((key) => aesDataKeys.idOf(key))).toEqual([vault.keyId])
    const shown = JSON.stringify(await store.list())
    for (const encoding of ['base64', 'base64url', 'hex'] as const)
      expect(shown).not.toContain(Buffer.from(made[0] ?? []).toString(encoding))
  })

  it('is one for all who start together', async () => {
    const opened = await Promise.all(Array.from({ length: 5 }, () => openTestVault({ store })))
    expect(await store.list()).toHaveLength(1)
    const [first, ...others] = opened
    const sealed = first?.vault.seal('text', 'a') ?? ''
    for (const { vault } of others) expect(vault.open(sealed, 'a')).toBe('text')
  })

  it('opens what was sealed before the process started', async () => {
    const before = await openTestVault({ store })
    const sealed = before.vault.seal('text', 'a')
    await before.ring.replace()
    const { vault } = await openTestVault({ store })
    expect(vault.keyId).toBe(before.vault.keyId)
    expect(vault.open(sealed, 'a')).toBe('text')
  })

  it('hangs on a new master key after one start that knows the one before', async () => {
    const before = await openTestVault({ store, letter: 'a' })
    const sealed = before.vault.seal('text', 'a')
    await before.ring.replace()
    await openTestVault({ store, letter: 'b', previous: 'a' })
    expect(new Set((await store.list()).map(({ wrappedBy }) => wrappedBy)).size).toBe(1)
    const after = await openTestVault({ store, letter: 'b' })
    expect(after.vault.open(sealed, 'a')).toBe('text')
    expect(await failureOf(openTestVault({ store, letter: 'a' }))).toMatchObject({ code: 'config_invalid' })
    // Who runs on the master key before still has the keys, and learns of no new ones.
    expect(after.vault.open(before.vault.seal('late', 'a'), 'a')).toBe('late')
  })

  it('does not start under another master key: it says which key that is, and makes none', async () => {
    await openTestVault({ store, letter: 'a' })
    const { code, details } = await failureOf(openTestVault({ store, letter: 'b' }))
    expect(code).toBe('config_invalid')
    expect(details['reason']).toContain(`is wrapped by ${createLocalWrapper(secretOf('a')).id}`)
    expect(details['reason']).toContain(createLocalWrapper(secretOf('b')).id)
    expect(await store.list()).toHaveLength(1)
  })

  it.each([
    ['changed', (wrapped: string) => `${wrapped.startsWith('A') ? 'B' : 'A'}${wrapped.slice(1)}`],
    ['empty', () => ''],
    ['no base64url', () => '§'],
  ])('does not start where the wrapped key is %s', async (_, change) => {
    await openTestVault({ store })
    const [seen] = await store.list()
    if (!seen) throw new Error('there is one')
    await store.rewrap(seen, { wrapped: change(seen.wrapped), wrappedBy: seen.wrappedBy })
    expect(await failureOf(openTestVault({ store }))).toMatchObject({
      code: 'config_invalid',
      details: { reason: expect.stringContaining('cannot be unwrapped'), key: seen.id },
    })
  })

  it('takes no key that was wrapped for another id', async () => {
    const { ring } = await openTestVault({ store })
    await ring.replace()
    const [retired, current] = await store.list()
    if (!retired || !current) throw new Error('there are two')
    await store.rewrap(current, { wrapped: retired.wrapped, wrappedBy: retired.wrappedBy })
    expect(await failureOf(openTestVault({ store }))).toMatchObject({ code: 'config_invalid' })
  })

  it('does not start while its wrapper is away, and leaves nothing behind', async () => {
    const wrapper: KeyWrapper = {
      id: 'transit:transit/k',
      wrap: () => Promise.reject(away),
      unwrap: () => Promise.reject(away),
    }
    expect(await failureOf(openTestVault({ store, wrapper }))).toBe(away)
    expect(await store.list()).toEqual([])
  })

  it('goes on while its wrapper is away, with the keys that it has', async () => {
    let isAway = false
    const local = createLocalWrapper(secretOf('a'))
    const unlessAway = <Result>(run: () => Promise<Result>): Promise<Result> => (isAway ? Promise.reject(away) : run())
    const wrapper: KeyWrapper = {
      id: local.id,
      wrap: (key, context) => unlessAway(() => local.wrap(key, context)),
      unwrap: (text, context) => unlessAway(() => local.unwrap(text, context)),
    }
    const { vault, ring } = await openTestVault({ store, wrapper })
    isAway = true
    await ring.reload()
    expect(vault.open(vault.seal('text', 'a'), 'a')).toBe('text')
    expect(await failureOf(ring.replace())).toBe(away)
    const other = await openTestVault({ store })
    await other.ring.replace()
    const { keyId } = vault
    expect(await failureOf(ring.reload())).toBe(away)
    expect(vault.keyId).toBe(keyId)
    isAway = false
    await ring.reload()
    expect(vault.keyId).toBe(other.vault.keyId)
  })

  it('keeps the keys that it had, also when nobody stores them any more', async () => {
    const { vault, ring } = await openTestVault({ store })
    const [sealed, oldKey] = [vault.seal('text', 'a'), vault.keyId]
    await ring.replace()
    expect(await store.delete(oldKey)).toBe(true)
    await ring.reload()
    expect(vault.open(sealed, 'a')).toBe('text')
  })

  it('looks again for who asks while it looks', async () => {
    const { ring, vault } = await openTestVault({ store })
    const other = await openTestVault({ store })
    let looks = 0
    const inner = store.list.bind(store)
    store.list = () => {
      looks++
      return inner()
    }
    const asked = [ring.reload(), ring.reload()]
    await other.ring.replace()
    await Promise.all([...asked, ring.reload()])
    expect(vault.keyId).toBe(other.vault.keyId)
    expect(looks).toBeLessThanOrEqual(4)
  })
})
