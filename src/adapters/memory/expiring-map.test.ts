import { describe, expect, it } from 'vitest'
import { ExpiringMap } from './expiring-map.ts'

describe('ExpiringMap', () => {
  it('clears away what has ended, without being asked', () => {
    let now = 0
    const map = new ExpiringMap<number>({ now: () => now })
    for (let n = 0; n < 100_000; n++) {
      now++
      map.set(`key${n}`, n, now + 10)
    }
    expect(map.size).toBeLessThanOrEqual(1_000)
    expect(map.get('key99999')).toBe(99_999)
    expect(map.get('key99989')).toBeUndefined()
  })
})
