import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deriveKey, keyIdOf } from './derived-key.ts'
import { createSealer } from './sealer.ts'

const key = randomBytes(32)
const sealer = createSealer({ current: key, previous: null })

describe('a sealer', () => {
  it('opens what it sealed, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, context) => {
        expect(sealer.open(sealer.seal(text, context), context)).toBe(text)
      }),
    )
  })

  it('shows nothing of the text, and never seals alike twice', () => {
    const first = sealer.seal('attack at dawn', 'srv_1')
    expect(first).toMatch(/^sealed1:[0-9a-f]{8}:[A-Za-z0-9_-]+$/)
    expect(Buffer.from(first.split(':')[2] ?? '', 'base64url').includes('attack')).toBe(false)
    expect(sealer.seal('attack at dawn', 'srv_1')).not.toBe(first)
  })

  it('opens for no other context', () => {
    expect(sealer.open(sealer.seal('state', 'srv_1'), 'srv_2')).toBeNull()
  })

  it('opens under the key before, and seals under the current one', () => {
    const next = createSealer({ current: randomBytes(32), previous: key })
    expect(next.open(sealer.seal('state', 'a'), 'a')).toBe('state')
    expect(sealer.open(next.seal('state', 'a'), 'a')).toBeNull()
  })

  it('opens nothing of which any one character was changed', () => {
    const sealed = sealer.seal('state', 'a')
    for (let index = 0; index < sealed.length; index++) {
      const other = sealed[index] === 'A' ? 'B' : 'A'
      expect(sealer.open(sealed.slice(0, index) + other + sealed.slice(index + 1), 'a')).toBeNull()
    }
  })

  it.each(['', 'sealed1:', 'plain text', `sealed1:${keyIdOf(key)}:`, `sealed1:${keyIdOf(key)}:AAAA`])(
    'opens no %j',
    (text) => {
      expect(sealer.open(text, 'a')).toBeNull()
    },
  )

  it('takes keys of 32 bytes only', () => {
    expect(() => createSealer({ current: randomBytes(31), previous: null })).toThrow('32 bytes')
  })
})

describe('a derived key', () => {
  it('is the same each time, and another for each use and each secret', () => {
    expect(deriveKey(key, 'a').equals(deriveKey(key, 'a'))).toBe(true)
    expect(deriveKey(key, 'a').equals(deriveKey(key, 'b'))).toBe(false)
    expect(deriveKey(key, 'a').equals(deriveKey(randomBytes(32), 'a'))).toBe(false)
    expect(deriveKey(key, 'a')).toHaveLength(32)
  })
})
