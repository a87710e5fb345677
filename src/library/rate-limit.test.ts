import { describe, expect, it } from 'vitest'
import { RateLimit } from './rate-limit.ts'

describe('RateLimit', () => {
  it('lets a minute’s calls through at once, and says how long the next one waits', () => {
    for (const perMinute of [1, 7, 60]) {
      const limit = new RateLimit()
      for (let call = 0; call < perMinute; call++) expect(limit.take('a', perMinute, 5_000)).toBe(0)
      const waitMs = limit.take('a', perMinute, 5_000)
      expect(waitMs).toBeGreaterThan(60_000 / perMinute - 2)
      expect(waitMs).toBeLessThanOrEqual(Math.ceil(60_000 / perMinute))
      expect(limit.take('a', perMinute, 5_000 + waitMs - 2)).toBeGreaterThan(0)
      expect(limit.take('a', perMinute, 5_000 + waitMs)).toBe(0)
    }
  })

  it('does not let more than two minutes’ calls through in any minute', () => {
    const limit = new RateLimit()
    let through = 0
    for (let now = 0; now < 60_000; now += 10) if (limit.take('a', 30, now) === 0) through++
    expect(through).toBeGreaterThanOrEqual(58)
    expect(through).toBeLessThanOrEqual(60)
  })

  it('counts each caller alone, and a refused call not at all', () => {
    const limit = new RateLimit()
    expect(limit.take('a', 1, 0)).toBe(0)
    for (let call = 0; call < 100; call++) expect(limit.take('a', 1, 1)).toBeGreaterThan(0)
    expect(limit.take('b', 1, 1)).toBe(0)
    expect(limit.take('a', 1, 60_000)).toBe(0)
  })

  it('still limits a caller after ten thousand others were idle for a minute', () => {
    const limit = new RateLimit()
    for (let index = 0; index <= 10_000; index++) limit.take(`caller ${index}`, 1, 0)
    expect(limit.take('a', 1, 60_000)).toBe(0)
    expect(limit.take('a', 1, 60_001)).toBeGreaterThan(0)
  })
})
