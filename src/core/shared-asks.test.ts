import { describe, expect, it } from 'vitest'
import { SharedAsks } from './shared-asks.ts'

describe('SharedAsks', () => {
  it('asks once for all who ask meanwhile, and again afterwards', async () => {
    const asks = new SharedAsks<number>()
    let asked = 0
    const ask = async (): Promise<number> => ++asked
    expect(await Promise.all([asks.run('a', ask), asks.run('a', ask), asks.run('b', ask)])).toEqual([1, 1, 2])
    expect(await asks.run('a', ask)).toBe(3)
  })

  it('shares a failure, and forgets it', async () => {
    const asks = new SharedAsks<number>()
    const fail = (): Promise<number> => Promise.reject(new Error('no'))
    const both = await Promise.allSettled([asks.run('a', fail), asks.run('a', fail)])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await asks.run('a', async () => 1)).toBe(1)
  })

  it('tells an answer that it does not count any more', async () => {
    const asks = new SharedAsks<string>()
    const gate = Promise.withResolvers<void>()
    const ask = async (isCurrent: () => boolean): Promise<string> => {
      await gate.promise
      return isCurrent() ? 'current' : 'late'
    }
    const early = asks.run('a', ask)
    asks.forget('a')
    const later = asks.run('a', ask)
    gate.resolve()
    expect(await Promise.all([early, later])).toEqual(['late', 'current'])
  })
})
