import { describe, expect, it } from 'vitest'
import { Limits } from '#contract/limits.ts'
import type { SessionUser } from '#gateway/upstream/session-user.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'
import { nobodysHolder } from '#test/support/leases.ts'
import { Catalog } from './catalog.ts'

const user: SessionUser = { principalId: 'p', holder: nobodysHolder, sessionId: null, capabilities: {} }
const hanging = {
  name: 'hanging',
  listKey: () => '',
  place: () => ({ acquire: () => new Promise<never>(() => undefined) }),
} as unknown as Upstream

function createClock() {
  let now = 1_000_000
  return { now: () => now, after: () => () => undefined, advance: (ms: number) => (now += ms) }
}

describe('a server that never answers', () => {
  it('keeps only the first waiting for the listing deadline, and nobody after it', async () => {
    const clock = createClock()
    const limits = Limits.parse({ listingTimeoutMs: 1_000 })
    const catalog = new Catalog({ clock, limits, clientInfo: {} })
    const first = catalog.get(hanging, 'tools', user)
    void first.catch(() => undefined)
    clock.advance(1_000)
    await expect(catalog.get(hanging, 'tools', user)).rejects.toMatchObject({ code: 'upstream_timeout' })
  })
})
