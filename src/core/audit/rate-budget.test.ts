import { describe, expect, it } from 'vitest'
import { createRateBudget } from './rate-budget.ts'

const passed = (budget: { take(at: number): boolean }, times: readonly number[]) =>
  times.filter((at) => budget.take(at)).length
const at = (time: number, count: number) => Array.from({ length: count }, () => time)

describe('createRateBudget', () => {
  it('lets the burst through at once, then so many a second', () => {
    const budget = createRateBudget({ burst: 10, perSecond: 5 })
    expect(passed(budget, at(1_000, 30))).toBe(10)
    expect(passed(budget, at(1_199, 30))).toBe(0)
    expect(passed(budget, at(1_200, 30))).toBe(1)
    expect(passed(budget, at(2_200, 30))).toBe(5)
  })

  it('saves up no more than the burst', () => {
    const budget = createRateBudget({ burst: 10, perSecond: 5 })
    expect(passed(budget, at(0, 30))).toBe(10)
    expect(passed(budget, at(3_600_000, 30))).toBe(10)
  })

  it('gives nothing for a clock that goes back, or for no time at all', () => {
    const budget = createRateBudget({ burst: 3, perSecond: 5 })
    expect(passed(budget, [...at(10_000, 5), ...at(0, 5), ...at(Number.NaN, 5), ...at(10_000, 5)])).toBe(3)
  })
})
