import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openHostileServer, type HostileServer } from '#test/support/hostile-authorization-server.ts'
import { server } from '#test/support/upstreams.ts'
import { challengesOver } from './challenge-probe.ts'
import { operatorEgress } from './egress.ts'

const challengeOf = challengesOver({ of: () => operatorEgress })
const challenge = 'Bearer resource_metadata="https://mcp.example.com/x", scope="read"'
let upstream: HostileServer

beforeEach(async () => {
  upstream = await openHostileServer()
})
afterEach(() => upstream[Symbol.asyncDispose]())

const ofKind = (kind: 'streamable_http' | 'sse' = 'streamable_http') =>
  server('notes', { transport: { kind, url: `${upstream.origin}/mcp`, headers: { 'x-secret': 'SECRET' } } })

describe('the challenge of a server', () => {
  it.each([
    ['streamable_http', 'POST'],
    ['sse', 'GET'],
  ] as const)('is what it says over %s to who has no credential', async (kind, method) => {
    upstream.say('/mcp', { status: 401, headers: { 'www-authenticate': challenge } })
    expect(await challengeOf(ofKind(kind))).toBe(challenge)
    expect(upstream.heard.map((one) => one.method)).toEqual([method])
    expect(JSON.stringify(upstream.heard)).not.toMatch(/SECRET|authorization/)
  })

  it.each([
    ['lets everybody in', { status: 200, json: {} }],
    ['has none', { status: 401 }],
    ['has one for something else', { status: 403, headers: { 'www-authenticate': challenge } }],
    ['redirects', { status: 302, headers: { location: 'https://evil.example', 'www-authenticate': challenge } }],
    ['sends without end', { floodBytes: 100_000_000 }],
  ])('is none where the server %s', async (_what, said) => {
    upstream.say('/mcp', said)
    expect(await challengeOf(ofKind())).toBeNull()
    expect(upstream.flooded()).toBeLessThan(20_000_000)
  })

  it('is what it says to who asks for a list, where it lets everybody say hello', async () => {
    upstream.say('/mcp', ({ body }) =>
      body.includes('"initialize"')
        ? { status: 200, json: {} }
        : { status: 401, headers: { 'www-authenticate': challenge } },
    )
    expect(await challengeOf(ofKind())).toBe(challenge)
    expect(upstream.heard).toHaveLength(2)
  })

  it('is none where nobody answers, or where there is no HTTP', async () => {
    const away = ofKind()
    await upstream[Symbol.asyncDispose]()
    upstream = await openHostileServer()
    expect(await challengeOf(away)).toBeNull()
    expect(await challengeOf(server('program'))).toBeNull()
  })
})
