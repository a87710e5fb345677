import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createSealer } from '#adapters/crypto/sealer.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { connectPath, connectUrl, openLink } from './connect-link.ts'

const dayMs = 86_400_000
const server = { id: 'srv_1', name: 'github' }

function world(baseUrl: string | null = 'https://tools.example.com') {
  const sealer = createSealer({ current: randomBytes(32), previous: null })
  return { sealer, clock: new FakeClock(1_000), baseUrl: () => baseUrl }
}

const forOf = (url: string | null) => new URL(url ?? 'missing:').searchParams.get('for') ?? ''

describe('connectUrl', () => {
  it('leads to the page of the server, and says for whom without anybody being able to read it', () => {
    const deps = world()
    const url = connectUrl(deps, server, { owner: { kind: 'user', ref: 'usr_ann' }, elicitationId: 'e-1' })
    expect(url).toMatch(/^https:\/\/tools\.example\.com\/connect\/github\?for=[A-Za-z0-9_%-]+$/)
    expect(url).not.toContain('ann')
    expect(Buffer.from(forOf(url).split(':')[2] ?? '', 'base64url').toString('latin1')).not.toContain('ann')
    expect(openLink(deps, forOf(url))).toEqual({
      serverId: 'srv_1',
      owner: { kind: 'user', ref: 'usr_ann' },
      elicitationId: 'e-1',
    })
  })

  it('is made for a team, and for the gateway itself', () => {
    const deps = world()
    for (const owner of [{ kind: 'team', ref: 'team_1' } as const, { kind: 'gateway', ref: '' } as const]) {
      expect(openLink(deps, forOf(connectUrl(deps, server, { owner })))).toMatchObject({ owner, elicitationId: null })
    }
  })

  it('is none while nobody knows how the gateway is reached', () => {
    expect(connectUrl(world(null), server, { owner: { kind: 'gateway', ref: '' } })).toBeNull()
  })
})

describe('openLink', () => {
  it('takes no link for longer than a day', async () => {
    const deps = world()
    const link = forOf(connectUrl(deps, server, { owner: { kind: 'user', ref: 'usr_ann' } }))
    await deps.clock.advance(dayMs - 1)
    expect(openLink(deps, link)).not.toBeNull()
    await deps.clock.advance(1)
    expect(openLink(deps, link)).toBeNull()
  })

  it('takes none that was changed, that was sealed for something else, or that is no link at all', () => {
    const deps = world()
    const link = forOf(connectUrl(deps, server, { owner: { kind: 'user', ref: 'usr_ann' } }))
    expect(openLink(deps, `${link.slice(0, -1)}${link.endsWith('A') ? 'B' : 'A'}`)).toBeNull()
    expect(openLink(deps, deps.sealer.seal('{"server":"srv_1"}', 'something else'))).toBeNull()
    expect(openLink(deps, deps.sealer.seal('{"server":"srv_1"}', 'connect link'))).toBeNull()
    for (const text of ['', 'x', 'sealed1:00000000:AAAA', 'a'.repeat(5_000)]) expect(openLink(deps, text)).toBeNull()
  })
})

describe('connectPath', () => {
  it('names the server, and by its id where its name is the address of something else', () => {
    expect(connectPath(server)).toBe('/connect/github')
    expect(connectPath({ id: 'srv_9', name: 'callback' })).toBe('/connect/srv_9')
    expect(connectPath({ id: 'srv_9', name: 'sign-in' })).toBe('/connect/srv_9')
  })
})
