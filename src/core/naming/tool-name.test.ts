import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildNameMap, exposeName } from './tool-name.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const expose = (prefix: string, name: string, separator = '__') => exposeName({ prefix, separator, name }, sha256)

const serverName = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,39}$/)
const anyText = fc.oneof(fc.string({ unit: 'binary', maxLength: 120 }), fc.string({ maxLength: 120 }))

describe('exposeName', () => {
  it('joins prefix, separator and name where they fit', () => {
    expect(expose('filesystem', 'read_file')).toBe('filesystem__read_file')
    expect(expose('github', 'list-issues', '-')).toBe('github-list-issues')
    expect(expose('a', 'b__c.d')).toBe('a__b__c.d')
  })

  it('keeps a name of exactly 64 characters and cuts one of 65', () => {
    const fits = 'x'.repeat(64 - 'srv__'.length)
    expect(expose('srv', fits)).toBe(`srv__${fits}`)
    const long = expose('srv', `${fits}x`)
    expect(long).toHaveLength(64)
    expect(long).toMatch(/^srv__x{48}_[0-9a-f]{10}$/)
  })

  it('never changes how it cuts, because clients remember names', () => {
    expect(expose('srv', 'a'.repeat(80))).toBe(
      `srv__${'a'.repeat(48)}_${sha256(`["srv","${'a'.repeat(80)}"]`).slice(0, 10)}`,
    )
  })

  it('replaces characters outside the alphabet and marks the result with a hash', () => {
    expect(expose('srv', 'read file')).toMatch(/^srv__read_file_[0-9a-f]{10}$/)
    expect(expose('srv', 'lesen/ä')).toMatch(/^srv__lesen___[0-9a-f]{10}$/)
  })

  it('keeps originals apart that fold into one text', () => {
    const folded = ['read file', 'read/file', 'read\nfile', 'read_file', 'read\ud800file'].map((name) =>
      expose('srv', name),
    )
    expect(new Set(folded).size).toBe(folded.length)
  })

  it('keeps long names apart that differ only behind the cut', () => {
    expect(expose('srv', `${'x'.repeat(100)}1`)).not.toBe(expose('srv', `${'x'.repeat(100)}2`))
  })

  it('gives a name even where there is nothing to name', () => {
    expect(exposeName({ prefix: '', separator: '', name: '' }, sha256)).toMatch(/^_[0-9a-f]{10}$/)
  })

  it('always gives 1 to 64 characters of the alphabet, whatever the parts and the hash are', () => {
    fc.assert(
      fc.property(fc.record({ prefix: anyText, separator: anyText, name: anyText }), anyText, (parts, digest) => {
        expect(exposeName(parts, () => digest)).toMatch(/^[A-Za-z0-9_.-]{1,64}$/)
      }),
    )
  })

  it('gives equal names for equal parts, and the parts themselves where they fit', () => {
    fc.assert(
      fc.property(serverName, fc.stringMatching(/^[A-Za-z0-9_.-]{1,80}$/), (prefix, name) => {
        const exposed = expose(prefix, name)
        expect(exposed).toBe(expose(prefix, name))
        expect(exposed.startsWith(`${prefix}__`)).toBe(true)
        expect(exposed === `${prefix}__${name}`).toBe(prefix.length + 2 + name.length <= 64)
      }),
    )
  })
})

describe('buildNameMap', () => {
  const entry = (server: string, name: string, separator = '__') => ({
    exposed: expose(server, name, separator),
    server,
    name,
    extra: 1,
  })

  it('reverses every name, also those that were cut or folded', () => {
    const names = fc.uniqueArray(anyText, { maxLength: 20 })
    fc.assert(
      fc.property(fc.uniqueArray(serverName, { minLength: 1, maxLength: 3 }), names, (servers, tools) => {
        const entries = servers.flatMap((server) => tools.map((tool) => entry(server, tool)))
        // Real pairs that are spelt alike (`a_` + `__b`, `a` + `___b`) do collide; that they are refused is tested below.
        fc.pre(new Set(entries.map(({ exposed }) => exposed)).size === entries.length)
        const map = buildNameMap(entries)
        for (const one of entries) expect(map.get(one.exposed)).toBe(one)
        expect(map.size).toBe(entries.length)
      }),
    )
  })

  it('refuses two pairs of one spelling, and names both', () => {
    const pairs = [entry('a', 'b-c', '-'), entry('a-b', 'c', '-')]
    expect(() => buildNameMap(pairs)).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        details: {
          reason: 'two tools would be offered under one name',
          exposed: 'a-b-c',
          first: { server: 'a', name: 'b-c' },
          second: { server: 'a-b', name: 'c' },
        },
      }),
    )
  })

  it('refuses a pair that comes twice, because one of the two would be lost', () => {
    expect(() => buildNameMap([entry('a', 'b'), entry('a', 'b')])).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    )
  })

  it('is empty for no entries', () => {
    expect(buildNameMap([]).size).toBe(0)
  })
})
