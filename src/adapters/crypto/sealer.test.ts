import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSealer } from './sealer.ts'

const sealer = createSealer(randomBytes(32))

describe('createSealer', () => {
  it('opens what it sealed, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, context) => {
        expect(sealer.open(sealer.seal(text, context), context)).toBe(text)
      }),
    )
  })

  it('shows nothing of the text and never seals alike twice', () => {
    const first = sealer.seal('attack at dawn', 'tok_1')
    expect(first).toMatch(/^[A-Za-z0-9_-]+$/)
    expect(Buffer.from(first, 'base64url').includes('attack')).toBe(false)
    expect(sealer.seal('attack at dawn', 'tok_1')).not.toBe(first)
  })

  it('refuses another context', () => {
    expect(sealer.open(sealer.seal('state', 'tok_1'), 'tok_2')).toBeNull()
  })

  it('refuses another key', () => {
    expect(createSealer(randomBytes(32)).open(sealer.seal('state', 'tok_1'), 'tok_1')).toBeNull()
  })

  it('refuses the text when any bit of it was changed', () => {
    const bytes = Buffer.from(sealer.seal('state', 'tok_1'), 'base64url')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(sealer.open(changed.toString('base64url'), 'tok_1')).toBeNull()
    }
  })

  it('refuses another spelling of the same bytes', () => {
    const sealed = sealer.seal('state', 'tok_1')
    expect(sealer.open(`${sealed}=`, 'tok_1')).toBeNull()
    expect(sealer.open(` ${sealed}`, 'tok_1')).toBeNull()
    expect(sealer.open(`${sealed.slice(0, 5)}\n${sealed.slice(5)}`, 'tok_1')).toBeNull()
  })

  it('refuses what was never sealed', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(sealer.open(text, '')).toBeNull()
      }),
    )
    const sealed = sealer.seal('state', '')
    for (let length = 0; length < sealed.length; length++) expect(sealer.open(sealed.slice(0, length), '')).toBeNull()
  })

  it('does not look at more than its limit', () => {
    const sealed = sealer.seal('x'.repeat(1_048_576), '')
    expect(sealed.length).toBeGreaterThan(1_048_576)
    expect(sealer.open(sealed, '')).toBeNull()
  })

  it('takes keys of 32 bytes only', () => {
    expect(() => createSealer(randomBytes(16))).toThrow(RangeError)
  })
})
