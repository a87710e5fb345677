import { beforeEach, describe, expect, it } from 'vitest'
import { hashToken, mintToken } from '#adapters/crypto/token-mint.ts'
import { createMemoryResourceStore } from '#adapters/memory/resource-store.ts'
import { randomId } from '#adapters/crypto/random-id.ts'
import { ResourceSnapshot } from '#core/resources/snapshot.ts'
import { prepareFirstAdmin, type FirstAdminDeps } from './first-admin.ts'

let store: ReturnType<typeof createMemoryResourceStore>
let deps: FirstAdminDeps

beforeEach(() => {
  store = createMemoryResourceStore()
  deps = {
    store,
    index: new ResourceSnapshot(),
    clock: { now: () => 1_000 },
    newId: randomId,
    changes: { append: () => undefined },
    announce: async () => undefined,
    secrets: { mint: mintToken, hash: hashToken },
    passwords: {
      hash: async (password) => `hash of ${password}`,
      verify: async (password, hash) => hash === `hash of ${password}`,
    },
    passwordStore: store.passwords,
  }
})

const storedToken = () => store.find('token', 'admin')

describe('the first admin', () => {
  it('is a person with a password and a token that may everything, both told once', async () => {
    const admin = await prepareFirstAdmin(deps, { isReset: false })
    expect(admin.password?.length).toBeGreaterThanOrEqual(20)
    expect(admin.token).toMatch(/^tg_/)
    const user = await store.find('user', 'admin')
    expect(user?.spec.role).toBe('admin')
    expect((await deps.passwordStore.get(user?.id ?? ''))?.phc).toBe(`hash of ${admin.password}`)
    expect((await storedToken())?.spec).toMatchObject({
      owner: { kind: 'user', ref: user?.id },
      digest: hashToken(admin.token ?? ''),
      policies: ['cfg_policy_toolgate-admin'],
    })
    expect(await prepareFirstAdmin(deps, { isReset: false })).toEqual({ name: 'admin', password: null, token: null })
  })

  it('has another token after a reset, and the same password', async () => {
    const first = await prepareFirstAdmin(deps, { isReset: false })
    const before = await storedToken()
    const again = await prepareFirstAdmin(deps, { isReset: true })
    expect(again.password).toBeNull()
    expect(again.token).not.toBe(first.token)
    const after = await storedToken()
    expect(after?.id).toBe(before?.id)
    expect(after?.spec.digest).toBe(hashToken(again.token ?? ''))
  })

  it('is nobody else’s business once there is an admin of another name', async () => {
    await prepareFirstAdmin(deps, { isReset: false })
    const user = await store.find('user', 'admin')
    if (!user) throw new Error('it was made')
    await store.write([{ do: 'update', resource: { ...user, name: 'ann' } }])
    expect(await prepareFirstAdmin(deps, { isReset: true })).toMatchObject({ name: 'ann', password: null })
  })

  it('is made once by gateways that start at the same moment, and told by one of them', async () => {
    const made = await Promise.all([1, 2, 3].map(() => prepareFirstAdmin(deps, { isReset: false })))
    expect(made.filter(({ token }) => token !== null)).toHaveLength(1)
    expect(made.filter(({ password }) => password !== null)).toHaveLength(1)
    const [shown] = made.flatMap(({ token }) => token ?? [])
    expect((await storedToken())?.spec.digest).toBe(hashToken(shown ?? ''))
  })
})
