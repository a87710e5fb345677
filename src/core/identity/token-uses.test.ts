import { describe, expect, it } from 'vitest'
import { TokenUses } from './token-uses.ts'

const spacingMs = 60_000

describe('TokenUses', () => {
  it('has the last use of each token, until it was stored', () => {
    const uses = new TokenUses(spacingMs)
    uses.note('a', 1)
    uses.note('b', 2)
    uses.note('a', 3)
    const due = uses.due(3)
    expect([...due]).toEqual([
      ['a', 3],
      ['b', 2],
    ])
    uses.stored(due, 3)
    expect(uses.due(100_000).size).toBe(0)
  })

  it('is due again a while after it was stored, however often the token is used', () => {
    const uses = new TokenUses(spacingMs)
    uses.note('a', 1)
    uses.stored(uses.due(1), 1)
    uses.note('a', 2)
    expect(uses.due(60_000).size).toBe(0)
    expect([...uses.due(60_001)]).toEqual([['a', 2]])
  })

  it('keeps what could not be stored, and what came meanwhile', () => {
    const uses = new TokenUses(spacingMs)
    uses.note('a', 1)
    expect(uses.due(1)).toEqual(uses.due(2))
    const due = uses.due(2)
    uses.note('a', 5)
    uses.stored(due, 6)
    expect([...uses.rest()]).toEqual([['a', 5]])
  })

  it('takes nothing where no token is said', () => {
    const uses = new TokenUses(spacingMs)
    uses.note('', 1)
    expect(uses.due(1).size).toBe(0)
  })
})
