import { describe, expect, it } from 'vitest'
import { createMemoryTokenStore } from '#test/support/memory-token-store.ts'
import { hashToken } from '#adapters/crypto/token-mint.ts'
import { prepareAdminToken } from './first-run.ts'

const first = { now: 1_000, isReset: false }

describe('prepareAdminToken', () => {
  it('makes a token that is stored only when it is said to be shown', async () => {
    const store = createMemoryTokenStore()
    const admin = await prepareAdminToken(store, first)
    expect(admin.raw).toMatch(/^tg_/)
    expect(admin.tokens).toMatchObject([
      { name: 'admin', hash: hashToken(admin.raw ?? ''), policies: ['toolgate-admin'] },
    ])
    expect(await store.listTokens()).toEqual([])
    await admin.store()
    expect(await store.listTokens()).toEqual(admin.tokens)
  })

  it('cannot show a token that was made earlier', async () => {
    const store = createMemoryTokenStore()
    const made = await prepareAdminToken(store, first)
    await made.store()
    expect(await prepareAdminToken(store, first)).toMatchObject({ raw: null, tokens: made.tokens })
  })

  it('replaces the token on request, and no other one', async () => {
    const store = createMemoryTokenStore()
    const made = await prepareAdminToken(store, first)
    await made.store()
    const other = { id: 'tok_2', name: 'other', hash: 'aa', policies: [], expiresAt: null, createdAt: 0 }
    await store.putToken(other)
    const again = await prepareAdminToken(store, { now: 2_000, isReset: true })
    expect(again.raw).not.toBe(made.raw)
    await again.store()
    const stored = await store.listTokens()
    expect(stored).toHaveLength(2)
    expect(stored).toContainEqual(other)
    expect(stored).toContainEqual(expect.objectContaining({ name: 'admin', hash: hashToken(again.raw ?? '') }))
  })
})
