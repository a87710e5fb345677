import { describe, expect, it } from 'vitest'
import { Slots } from './slots.ts'

describe('Slots', () => {
  it('hold what was added until it is deleted, and use a freed place again', () => {
    const slots = new Slots<{ name: string }>()
    const [one, two, three] = [{ name: 'one' }, { name: 'two' }, { name: 'three' }]
    const place = slots.add(one)
    slots.add(two)
    slots.delete(place, one)
    expect([...slots]).toEqual([two])
    expect(slots.add(three)).toBe(place)
    expect(slots.size).toBe(2)
  })

  it('do not delete what has taken the place since', () => {
    const slots = new Slots<{ name: string }>()
    const [old, newer] = [{ name: 'old' }, { name: 'newer' }]
    const place = slots.add(old)
    slots.delete(place, old)
    slots.add(newer)
    slots.delete(place, old)
    expect([...slots]).toEqual([newer])
    expect(slots.size).toBe(1)
  })

  it('find the first that is wanted, or nothing', () => {
    const slots = new Slots<{ name: string }>()
    slots.add({ name: 'one' })
    expect(slots.find(({ name }) => name === 'one')).toEqual({ name: 'one' })
    expect(slots.find(({ name }) => name === 'two')).toBeUndefined()
  })
})
