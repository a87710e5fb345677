import { describe, expect, it } from 'vitest'
import { findClosest } from './did-you-mean.ts'

const keys = ['command', 'args', 'env', 'timeoutMs', 'timeoutTotalMs', 'url', 'isEnabled', 'port']

describe('findClosest', () => {
  it.each([
    ['comand', 'command'],
    ['commmand', 'command'],
    ['commnad', 'command'],
    ['Command', 'command'],
    ['timeout_ms', 'timeoutMs'],
    ['timeout-total-ms', 'timeoutTotalMs'],
    ['uri', 'url'],
    ['arg', 'args'],
    ['prot', 'port'],
    ['enabled', 'isEnabled'],
  ])('takes %s for %s', (word, expected) => {
    expect(findClosest(word, keys)).toBe(expected)
  })

  it.each(['', 'x', 'foo', 'transport', 'c'.repeat(100_000)])('takes %s for nothing', (word) => {
    expect(findClosest(word, keys)).toBeNull()
  })

  it('knows nothing where nothing is known', () => {
    expect(findClosest('command', [])).toBeNull()
  })
})
