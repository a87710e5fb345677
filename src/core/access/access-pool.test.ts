import { describe, expect, it } from 'vitest'
import type { Policy } from '#contract/policy.ts'
import { AccessPool } from './access-pool.ts'
import { composeAccess } from './access.ts'
import type { Composition } from './composition.ts'

const reader: Policy = { name: 'reader', default: 'deny', rules: [{ server: 'fs', tool: 'read', level: 'execute' }] }
const writer: Policy = {
  name: 'writer',
  default: 'deny',
  rules: [{ server: 'label:x', tool: 'write', level: 'execute' }],
}
const composition = (more: Partial<Composition> = {}): Composition => ({
  grant: [{ policy: reader, attachedTo: { kind: 'token' } }],
  bounds: [],
  ceilings: [],
  ...more,
})
const attached = (policy: Policy, name: string) => ({ policy, attachedTo: { kind: 'team' as const, name } })
const hash = (text: string) => `#${text}`
const pool = (labels: string[] = []) => new AccessPool({ labelsOf: () => labels, hash })

describe('AccessPool', () => {
  it('gives one access for equal parts, whoever’s copies they are', () => {
    const one = pool()
    const first = one.of(composition())
    expect(one.of(structuredClone(composition()))).toBe(first)
    expect(first.tool('fs', 'read').level).toBe('execute')
    expect(first.fingerprint).toBe(composeAccess({ ...composition(), labelsOf: () => null, hash }).fingerprint)
  })

  it('gives another where anything differs that a decision or its explanation can show', () => {
    const one = pool()
    const rule = { server: 'fs', tool: 'read', level: 'execute' } as const
    const ruled = (more: Partial<Policy['rules'][number]>) =>
      composition({ grant: [{ policy: { ...reader, rules: [{ ...rule, ...more }] }, attachedTo: { kind: 'token' } }] })
    const pairs = [{ server: 'fs', tool: 'read' }]
    const variants = [
      composition(),
      composition({ grant: [] }),
      composition({ grant: [{ policy: reader, attachedTo: { kind: 'user' } }] }),
      composition({ grant: [attached(reader, 'blue')] }),
      composition({ grant: [attached(reader, 'red')] }),
      composition({ within: [] }),
      composition({ within: [attached(writer, 'blue')] }),
      composition({ bounds: [attached(writer, 'blue')] }),
      composition({ bounds: [attached(reader, 'blue')] }),
      ruled({ conditions: [{ path: '$.a', eq: 1 }] }),
      ruled({ conditions: [{ path: '$.a', eq: '1' }] }),
      ruled({ allowedParams: [] }),
      ruled({ allowedParams: ['a'] }),
      composition({ ceilings: [{ name: 'a' }] }),
      composition({ ceilings: [{ name: 'b' }] }),
      composition({ ceilings: [{ name: 'a', servers: ['fs'] }] }),
      composition({ ceilings: [{ name: 'a', labels: ['fs'] }] }),
      composition({ ceilings: [{ name: 'a', tools: pairs }] }),
      composition({ ceilings: [{ name: 'a', toolsets: [{ name: 's', tools: pairs }] }] }),
      composition({ ceilings: [{ name: 'a', toolsets: [{ name: 's', tools: [] }] }] }),
    ]
    const accesses = variants.map((variant) => one.of(variant))
    expect(new Set(accesses).size).toBe(variants.length)
    expect(variants.map((variant) => one.of(variant))).toEqual(accesses)
  })

  it('is for one state of the servers', () => {
    const labelled = composition({ grant: [attached(writer, 'blue')] })
    expect(pool(['x']).of(labelled).tool('fs', 'write').level).toBe('execute')
    expect(pool().of(labelled).tool('fs', 'write').level).toBe('deny')
  })

  it('still finds what is in use after thousands of others', () => {
    const one = pool()
    const kept = one.of(composition())
    for (let index = 0; index < 5_000; index++) one.of(composition({ ceilings: [{ name: `c${index}` }] }))
    expect(one.of(composition())).toBe(kept)
  })
})
