import { describe, expect, it } from 'vitest'
import { loadConfig } from './load.ts'
import { tokenEntryYaml } from './token-entry.ts'

const hash = 'ab'.repeat(32)

describe('tokenEntryYaml', () => {
  it('is what the loader takes', () => {
    const text = tokenEntryYaml({ name: 'yes', hash, policies: ['reader', 'true'], expiresAt: '2099-12-31' })
    const config = loadConfig({ path: null, text: `${text}policies: { reader: {}, "true": {} }`, env: {} })
    expect(config.tokens).toEqual([
      { name: 'yes', hash, policies: ['reader', 'true'], expiresAt: Date.UTC(2099, 11, 31) },
    ])
  })

  it.each([
    [{ name: ' ' }, 'tokens[0].name: use letters'],
    [{ name: 'a', expiresAt: 'soon' }, 'tokens[0].expiresAt: must be a date'],
    [{ name: 'a', policies: [''] }, 'tokens[0].policies[0]:'],
  ])('refuses %j in the loader`s words', (entry, words) => {
    expect(() => tokenEntryYaml({ hash, policies: [], ...entry })).toThrow(words)
  })
})
