import * as fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import { failureOf } from '#test/support/failure.ts'
import { formerSealer, openTestVault, type TestVault } from '#test/support/vault.ts'
import { openSealed, storeSealed, type Vault } from './vault.ts'

describe('a vault', () => {
  let opened: TestVault
  let vault: Vault
  beforeAll(async () => {
    opened = await openTestVault({ letter: 'a', previous: 'b' })
    vault = opened.vault
  })

  it('opens what it sealed, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, context) => {
        expect(vault.open(vault.seal(text, context), context)).toBe(text)
      }),
    )
  })

  it('says in each text under which key it is', () => {
    expect(vault.seal('attack at dawn', 'a')).toMatch(new RegExp(`^sealed2:${vault.keyId}:[A-Za-z0-9_-]+$`))
    expect(vault.seal('attack at dawn', 'a')).not.toBe(vault.seal('attack at dawn', 'a'))
  })

  it('opens for no other context', () => {
    expect(vault.open(vault.seal('text', 'server srv_1'), 'server srv_2')).toBeNull()
  })

  it('opens nothing of which any one character was changed', () => {
    const sealed = vault.seal('text', 'a')
    for (let index = 0; index < sealed.length; index++) {
      const other = sealed[index] === 'A' ? 'B' : 'A'
      expect(vault.open(sealed.slice(0, index) + other + sealed.slice(index + 1), 'a')).toBeNull()
    }
  })

  it.each(['', 'sealed2:', 'sealed2:00000000:AAAA', 'sealed3:00000000:AAAA', 'plain'])('opens no %j', (text) => {
    expect(vault.open(text, 'a')).toBeNull()
  })

  it('opens what was sealed before there were data keys, under either master key', () => {
    for (const letter of ['a', 'b']) expect(vault.open(formerSealer(letter).seal('old', 'x'), 'x')).toBe('old')
    expect(vault.open(formerSealer('c').seal('old', 'x'), 'x')).toBeNull()
  })

  it('takes no text for one of the other form', () => {
    const [, , payload = ''] = vault.seal('text', 'a').split(':')
    expect(vault.open(`sealed1:${vault.keyId}:${payload}`, 'a')).toBeNull()
    const [, id = '', old = ''] = formerSealer('a').seal('old', 'a').split(':')
    expect(vault.open(`sealed2:${id}:${old}`, 'a')).toBeNull()
  })

  it('looks for a key that it does not know, and not for what is of another form', async () => {
    const other = await openTestVault({ store: opened.store })
    await other.ring.replace()
    const sealed = other.vault.seal('text', 'a')
    expect([vault.knows(sealed), vault.knows('plain'), vault.knows('')]).toEqual([false, true, true])
    expect(vault.open(sealed, 'a')).toBeNull()
    expect(await openSealed(vault, sealed, 'a')).toBe('text')
    expect(vault.knows(sealed)).toBe(true)
  })

  it('seals and stores once more where its key was replaced in between, and not for any other reason', async () => {
    let writes = 0
    const failing = (code: 'sealing_key_replaced' | 'version_conflict') => (): Promise<string> =>
      ++writes === 1 ? Promise.reject(new GatewayError(code)) : Promise.resolve('stored')
    expect(await storeSealed(vault, failing('sealing_key_replaced'))).toBe('stored')
    expect(writes).toBe(2)
    writes = 0
    expect(await failureOf(storeSealed(vault, failing('version_conflict')))).toMatchObject({ code: 'version_conflict' })
    expect(writes).toBe(1)
  })
})
