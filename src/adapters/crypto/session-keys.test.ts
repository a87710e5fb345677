import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createSessionKeys } from './session-keys.ts'

const secret = (letter: string): Buffer => Buffer.from(letter.repeat(32))

describe('createSessionKeys', () => {
  it('signs with HMAC-SHA256', () => {
    const { current } = createSessionKeys({ current: secret('a'), previous: null })
    expect(current.sign('text')).toBe(createHmac('sha256', 'a'.repeat(32)).update('text').digest('base64url'))
    expect(current.verifies('text', current.sign('text'))).toBe(true)
  })

  it.each(['', 'A', 'A'.repeat(43), 'Á'.repeat(43), 'A'.repeat(100_000)])('does not verify %.50j', (given) => {
    const { current } = createSessionKeys({ current: secret('a'), previous: null })
    expect(current.verifies('text', given)).toBe(false)
  })

  it('takes one text for one MAC, not all that decode to the same bytes', () => {
    const { current } = createSessionKeys({ current: secret('a'), previous: null })
    const mac = current.sign('text')
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const twin = mac.slice(0, -1) + alphabet[alphabet.indexOf(mac.at(-1) ?? '') + 1]
    expect(Buffer.from(twin, 'base64url')).toEqual(Buffer.from(mac, 'base64url'))
    expect(current.verifies('text', twin)).toBe(false)
    expect(current.verifies('text', `${mac}=`)).toBe(false)
  })

  it('gives each key an id of its own, which says nothing of the key', () => {
    const { current, previous } = createSessionKeys({ current: secret('a'), previous: secret('b') })
    expect(current.id).toMatch(/^[0-9a-f]{8}$/)
    expect(previous?.id).not.toBe(current.id)
    expect(createSessionKeys({ current: secret('a'), previous: null }).current.id).toBe(current.id)
  })

  it('shows nothing of the key when it is printed', () => {
    const keys = createSessionKeys({ current: secret('a'), previous: secret('b') })
    expect(JSON.stringify(keys) + String(Object.values(keys.current))).not.toMatch(/aaaa|bbbb|6161/)
  })

  it('refuses a key of fewer than 32 bytes', () => {
    expect(() => createSessionKeys({ current: Buffer.alloc(31), previous: null })).toThrow(RangeError)
    expect(() => createSessionKeys({ current: secret('a'), previous: Buffer.alloc(31) })).toThrow(RangeError)
  })
})
