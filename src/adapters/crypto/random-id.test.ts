import { describe, expect, it } from 'vitest'
import { randomId } from './random-id.ts'

describe('randomId', () => {
  it('puts 20 url-safe characters behind the prefix', () => {
    expect(randomId('req')).toMatch(/^req_[A-Za-z0-9_-]{20}$/)
  })

  it('does not repeat itself when its pool is refilled', () => {
    const ids = Array.from({ length: 2_000 }, () => randomId('x'))
    expect(new Set(ids).size).toBe(2_000)
  })
})
