import { describe, expect, it } from 'vitest'
import { FakeClock } from '#test/support/fake-clock.ts'
import { GatheredChanges } from './gathered-changes.ts'

describe('gathered changes', () => {
  it('are told once for each server and list, after a moment', async () => {
    const clock = new FakeClock()
    const told: string[] = []
    const changes = new GatheredChanges(clock, (server, kind) => void told.push(`${server} ${kind}`))
    changes.add('a', 'tools')
    changes.add('a', 'tools')
    changes.add('b', 'tools')
    changes.add('a', 'prompts')
    expect(told).toEqual([])
    await clock.advance(50)
    expect(told).toEqual(['a tools', 'b tools', 'a prompts'])
    changes.add('a', 'tools')
    await clock.advance(50)
    expect(told).toHaveLength(4)
  })

  it('leave no timer behind', () => {
    const clock = new FakeClock()
    const changes = new GatheredChanges(clock, () => undefined)
    changes.add('a', 'tools')
    changes.close()
    expect(clock.waiting).toBe(0)
  })
})
