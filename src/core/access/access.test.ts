import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Level, Policy } from '#contract/policy.ts'
import { compileAccess } from './access.ts'
import { partsOf } from './composition.ts'
import { allowsRead, decideServer, decideTool } from './decide.ts'

const level = fc.constantFrom<Level>('deny', 'read', 'execute', 'admin')
const pattern = fc.oneof(
  fc.constantFrom('*', 'a', 'b', 'ab', 'a*', '*b', '?', '__proto__', 'constructor'),
  fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), minLength: 1, maxLength: 4 }),
)
const rule = fc.record({ server: pattern, tool: pattern, level })
const policies = fc
  .array(fc.record({ default: level, rules: fc.array(rule, { maxLength: 8 }) }), { maxLength: 4 })
  .map((list): Policy[] => list.map((each, index) => ({ ...each, name: `p${(index * 7) % 4}` })))
const name = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 4 }),
  fc.constantFrom('__proto__', 'constructor', '*'),
)

const allow: Policy = { name: 'p', default: 'deny', rules: [{ server: 'fs', tool: 'read', level: 'execute' }] }

describe('compileAccess', () => {
  it('decides as the definition does, asked once or again', () => {
    fc.assert(
      fc.property(policies, fc.array(fc.tuple(name, name), { maxLength: 10 }), (list, questions) => {
        const access = compileAccess(list)
        for (const [server, tool] of [...questions, ...questions]) {
          expect(access.tool(server, tool)).toEqual(decideTool(partsOf(list), server, tool))
          expect(access.server(server)).toEqual(decideServer(partsOf(list), server))
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('denies everything without policies', () => {
    const access = compileAccess([])
    expect(access.tool('fs', 'read')).toEqual({ level: 'deny', reason: { kind: 'no_policy' } })
    expect(access.server('fs').level).toBe('deny')
  })

  it('may reach a server of which it may see something', () => {
    fc.assert(
      fc.property(policies, name, name, (list, server, tool) => {
        const access = compileAccess(list)
        const sees = [access.tool(server, tool), access.server(server)].some(({ level }) => allowsRead(level))
        expect(access.mayReach(server) || !sees).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })

  it.each<{ rules: Policy['rules']; mayReach: boolean }>([
    { rules: [], mayReach: false },
    { rules: [{ server: 'fs', tool: 'read', level: 'read' }], mayReach: true },
    { rules: [{ server: 'db', tool: 'read', level: 'read' }], mayReach: false },
    { rules: [{ server: '*', tool: '*', level: 'read' }], mayReach: true },
    {
      rules: [
        { server: 'fs', tool: 'read', level: 'admin' },
        { server: '*', tool: 're*', level: 'deny' },
      ],
      mayReach: false,
    },
    {
      rules: [
        { server: 'fs', tool: 're*', level: 'admin' },
        { server: 'fs', tool: 'read', level: 'deny' },
      ],
      mayReach: true,
    },
    {
      rules: [
        { server: 'fs', tool: 're*', level: 'admin' },
        { server: 'f*', tool: '*', level: 'deny' },
      ],
      mayReach: false,
    },
  ])('may reach a server: $mayReach by the rules $rules', ({ rules, mayReach }) => {
    expect(compileAccess([{ ...allow, rules }]).mayReach('fs')).toBe(mayReach)
  })

  it('is not fooled by names that run together', () => {
    const access = compileAccess([{ ...allow, rules: [{ server: 'a', tool: 'b c', level: 'admin' }] }])
    expect(access.tool('a', 'b c').level).toBe('admin')
    expect(access.tool('a b', 'c').level).toBe('deny')
  })

  it.each([500, 1_500])('still decides rightly after more names than it remembers, of %i servers', (servers) => {
    const access = compileAccess([allow])
    for (let index = 0; index < 25_000; index++) {
      expect(access.tool(`s${index % servers}`, `t${index}`).reason.kind).toBe('default')
    }
    expect(access.tool('fs', 'read')).toEqual({ level: 'execute', reason: { kind: 'rule', policy: 'p', index: 0 } })
    expect(access.tool('fs', 't1')).toEqual({ level: 'deny', reason: { kind: 'default', policy: 'p' } })
  })

  it('denies names that no tool can have, however long, without trying patterns on them', () => {
    const access = compileAccess([{ ...allow, rules: [{ server: 'x*', tool: '*x', level: 'read' }] }])
    const [longest, server] = ['x'.repeat(1_024), 'x'.repeat(1_000_000)]
    expect(access.tool(server, longest).level).toBe('read')
    expect(access.tool(server, `${longest}x`)).toEqual({ level: 'deny', reason: { kind: 'name_too_long' } })
    expect(access.call(server, 'x'.repeat(4_000_000), {}).level).toBe('deny')
  })

  it('is not changed by a later change of the policies it was made from', () => {
    const rules = [...allow.rules]
    const access = compileAccess([{ ...allow, rules }])
    rules.push({ server: '*', tool: '*', level: 'admin' })
    expect(access.tool('new', 'tool').level).toBe('deny')
  })

  describe('fingerprint', () => {
    const other: Policy = { name: 'q', default: 'read', rules: [] }

    it('is equal for equal policies in any order, whatever they are described as', () => {
      const one = compileAccess([allow, other]).fingerprint
      expect(compileAccess([structuredClone(other), { ...allow, description: 'new words' }]).fingerprint).toBe(one)
    })

    it('differs where a decision or its reason can differ', () => {
      const [first] = allow.rules
      const second = { server: 'fs', tool: '*', level: 'read' as const }
      const variants: Policy[][] = [
        [],
        [allow],
        [other],
        [allow, other],
        [{ ...allow, name: 'renamed' }],
        [{ ...allow, default: 'read' }],
        [{ ...allow, rules: [] }],
        [{ ...allow, rules: first ? [first, second] : [] }],
        [{ ...allow, rules: first ? [second, first] : [] }],
        [{ ...allow, rules: [second] }],
      ]
      const fingerprints = variants.map((variant) => compileAccess(variant).fingerprint)
      expect(new Set(fingerprints).size).toBe(variants.length)
    })

    it('is as short as the hash that is given', () => {
      const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
      const { fingerprint } = compileAccess([allow, other], sha256)
      expect(fingerprint).toMatch(/^[0-9a-f]{64}$/)
      expect(compileAccess([other, allow], sha256).fingerprint).toBe(fingerprint)
    })
  })
})
