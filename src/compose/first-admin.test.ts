import { beforeEach, describe, expect, it } from 'vitest'
import { hashToken, mintToken } from '#adapters/crypto/token-mint.ts'
import { createMemoryResourceStore } from '#adapters/memory/resource-store.ts'
import { randomId } from '#adapters/crypto/random-id.ts'
import type { ChangeEvent } from '#core/audit/change-log.ts'
import { resource } from '#test/support/resources.ts'
import { ResourceSnapshot } from '#core/resources/snapshot.ts'
import { prepareFirstAdmin, type FirstAdminDeps } from './first-admin.ts'

let store: ReturnType<typeof createMemoryResourceStore>
let deps: FirstAdminDeps
let events: ChangeEvent[]

beforeEach(() => {
  store = createMemoryResourceStore()
  events = []
  deps = {
    store,
    index: new ResourceSnapshot(),
    clock: { now: () => 1_000 },
    newId: randomId,
    changes: { append: (event) => void events.push(event) },
    announce: async () => undefined,
    secrets: { mint: mintToken, hash: hashToken },
    passwords: {
      hash: async (password) => `hash of ${password}`,
      verify: async (password, hash) => hash === `hash of ${password}`,
    },
    passwordStore: store.passwords,
  }
})

const none = { isTokenReset: false, isPasswordReset: false }
const storedToken = () => store.find('token', 'admin')

describe('the first admin', () => {
  it('is a person with a password and a token that may everything, both told once', async () => {
    const admin = await prepareFirstAdmin(deps, none)
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
    expect(await prepareFirstAdmin(deps, none)).toEqual({ name: 'admin', password: null, token: null })
  })

  it('has another token after a reset, and the same password', async () => {
    const first = await prepareFirstAdmin(deps, none)
    const before = await storedToken()
    const again = await prepareFirstAdmin(deps, { ...none, isTokenReset: true })
    expect(again.password).toBeNull()
    expect(again.token).not.toBe(first.token)
    const after = await storedToken()
    expect(after?.id).toBe(before?.id)
    expect(after?.spec.digest).toBe(hashToken(again.token ?? ''))
  })

  it('has another password after a reset of that, and the same token', async () => {
    const first = await prepareFirstAdmin(deps, none)
    const before = await storedToken()
    const again = await prepareFirstAdmin(deps, { ...none, isPasswordReset: true })
    expect(again).toMatchObject({ name: 'admin', token: null })
    expect(again.password).not.toBe(first.password)
    const user = await store.find('user', 'admin')
    const stored = await store.passwords.get(user?.id ?? '')
    expect(stored).toEqual({ phc: `hash of ${again.password}`, setAt: user?.spec.passwordSetAt })
    expect(await storedToken()).toEqual(before)
    expect(events).toMatchObject([
      { action: 'bootstrap', outcome: 'ok' },
      { action: 'set_password', actor: { kind: 'system' }, resource: { name: 'admin' }, outcome: 'ok' },
    ])
  })

  it('has the password reset that is its own, not that of another admin', async () => {
    await prepareFirstAdmin(deps, none)
    await store.write([{ do: 'create', resource: resource('user', 'aaron', { role: 'admin' }) }])
    const reset = () => prepareFirstAdmin(deps, { ...none, isPasswordReset: true })
    expect((await reset()).name).toBe('admin')
    const admin = await store.find('user', 'admin')
    if (!admin) throw new Error('it was made')
    await store.write([{ do: 'update', resource: { ...admin, spec: { ...admin.spec, isDisabled: true } } }])
    const { name, password } = await reset()
    expect(name).toBe('aaron')
    expect((await store.passwords.get('usr_aaron'))?.phc).toBe(`hash of ${password}`)
  })

  it('is nobody else’s business once there is an admin of another name', async () => {
    await prepareFirstAdmin(deps, none)
    const user = await store.find('user', 'admin')
    if (!user) throw new Error('it was made')
    await store.write([{ do: 'update', resource: { ...user, name: 'ann' } }])
    expect(await prepareFirstAdmin(deps, { ...none, isTokenReset: true })).toMatchObject({
      name: 'ann',
      password: null,
    })
  })

  it('is made once by gateways that start at the same moment, and told by one of them', async () => {
    const made = await Promise.all([1, 2, 3].map(() => prepareFirstAdmin(deps, none)))
    expect(made.filter(({ token }) => token !== null)).toHaveLength(1)
    expect(made.filter(({ password }) => password !== null)).toHaveLength(1)
    const [shown] = made.flatMap(({ token }) => token ?? [])
    expect((await storedToken())?.spec.digest).toBe(hashToken(shown ?? ''))
  })
})
