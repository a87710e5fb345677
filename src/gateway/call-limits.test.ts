import { describe, expect, it } from 'vitest'
import { createMemoryCounters } from '#adapters/memory/counters.ts'
import type { Counters } from '#core/limits/counters.ts'
import type { TokenFacts } from '#core/identity/principal.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { principal } from '#test/support/upstreams.ts'
import { CallLimits } from './call-limits.ts'

const facts: TokenFacts = {
  digest: 'd',
  userId: null,
  teamId: null,
  projectId: null,
  endpoints: null,
  limits: null,
}

const callOf = (limits: TokenFacts['limits'] = null, { id = 'ann', method = 'tools/call' } = {}) => ({
  principal: { ...principal(id), token: { ...facts, limits } },
  message: { jsonrpc: '2.0' as const, id: 1, method },
})

const refused = (details: object) => expect.objectContaining({ code: 'rate_limited', details })

function limitsOf(counters?: Counters, callsPerTokenMax = 3) {
  const clock = new FakeClock()
  const limits = new CallLimits({ clock, limits: { callsPerTokenMax }, counters })
  return { limits }
}

describe('calls under way', () => {
  it('are so many for each token, until one ends', () => {
    const { limits } = limitsOf()
    const tally = [1, 2, 3].map(() => limits.begin(callOf()))[0]
    expect(() => limits.begin(callOf())).toThrow(refused({ callsUnderWayMax: 3, retryAfterMs: 1_000 }))
    expect(limits.begin(callOf(null, { id: 'bob' }))).not.toBeNull()
    if (tally) limits.end(tally)
    expect(limits.begin(callOf())).not.toBeNull()
    expect(() => limits.begin(callOf())).toThrow(refused({ callsUnderWayMax: 3, retryAfterMs: 1_000 }))
  })

  it('are as many as the token says, more or less than the default', () => {
    const { limits } = limitsOf()
    const one = callOf({ callsUnderWayMax: 1 })
    limits.begin(one)
    expect(() => limits.begin(one)).toThrow(refused({ callsUnderWayMax: 1, retryAfterMs: 1_000 }))
    const five = callOf({ callsUnderWayMax: 5 }, { id: 'bob' })
    for (let count = 0; count < 5; count++) limits.begin(five)
    expect(() => limits.begin(five)).toThrow(refused({ callsUnderWayMax: 5, retryAfterMs: 1_000 }))
  })

  it.each(['ping', 'tools/list', 'subscriptions/listen', 'server/discover', 'logging/setLevel'])(
    'are none of %s',
    (method) => {
      const { limits } = limitsOf(undefined, 1)
      for (let count = 0; count < 3; count++) expect(limits.begin(callOf(null, { method }))).toBeNull()
    },
  )

  it('are bounded for an agent’s session as well', () => {
    const { limits } = limitsOf(undefined, 1)
    const session = { id: 'ses_x', agentId: 'agt_x', agentName: 'x', userId: null, teamId: null }
    const call = { ...callOf(), principal: { ...principal('ses_x'), session } }
    expect(limits.begin(call)).not.toBeNull()
    expect(() => limits.begin(call)).toThrow(refused({ callsUnderWayMax: 1, retryAfterMs: 1_000 }))
  })

  it('are not counted for who has no token', () => {
    const { limits } = limitsOf(undefined, 1)
    const call = { ...callOf(), principal: principal('library') }
    for (let count = 0; count < 3; count++) expect(limits.begin(call)).toBeNull()
  })

  it('are remembered by the sweep', () => {
    const { limits } = limitsOf(undefined, 1)
    limits.begin(callOf())
    limits.sweep()
    expect(() => limits.begin(callOf())).toThrow(refused({ callsUnderWayMax: 1, retryAfterMs: 1_000 }))
  })
})

const counts: readonly (readonly [string, (clock: FakeClock) => Counters | undefined])[] = [
  ['by the gateway itself', () => undefined],
  ['by the counters', (clock) => createMemoryCounters({ clock })],
  [
    'by the gateway itself while the counters are away',
    () => ({
      charge: (charges) =>
        Promise.resolve({
          isAllowed: true,
          refusedBy: null,
          retryAfterMs: 0,
          left: charges.map(() => null),
          isCounted: false,
        }),
    }),
  ],
]

describe.each(counts)('calls in a minute, counted %s', (_who, createCounters) => {
  it('are as many as the token says, and then none until the minute is over', async () => {
    const clock = new FakeClock()
    const limits = new CallLimits({ clock, limits: { callsPerTokenMax: 10 }, counters: createCounters(clock) })
    const make = async (id = 'ann'): Promise<void> => {
      const call = callOf({ callsPerMinuteMax: 2 }, { id })
      const tally = limits.begin(call)
      if (!tally) throw new Error('not counted')
      try {
        await limits.charge(call, tally)
      } finally {
        limits.end(tally)
      }
    }
    await make()
    await clock.advance(20_000)
    limits.sweep()
    await make()
    await expect(make()).rejects.toThrow(refused({ callsPerMinuteMax: 2, retryAfterMs: 40_000 }))
    await make('bob')
    await clock.advance(39_999)
    await expect(make()).rejects.toThrow(refused({ callsPerMinuteMax: 2, retryAfterMs: 1 }))
    await clock.advance(1)
    await make()
  })
})

describe('a token without such a limit', () => {
  it('is charged nowhere', () => {
    const counters: Counters = { charge: () => Promise.reject(new Error('charged')) }
    const { limits } = limitsOf(counters)
    const call = callOf({ callsUnderWayMax: 2 })
    const tally = limits.begin(call)
    expect(tally && limits.charge(call, tally)).toBeNull()
  })
})
