import { describe, expect, it } from 'vitest'
import { Policy, PolicyRule } from './policy.ts'

const problemsOf = (rule: Record<string, unknown>): string[] =>
  (PolicyRule.safeParse({ level: 'execute', ...rule }).error?.issues ?? []).map(
    ({ path, message }) => `${path.join('.')}: ${message}`,
  )

describe('a rule', () => {
  it.each([
    {},
    { server: 'label:prod', tool: 'read_*' },
    { server: 'label:needs review', allowedParams: [] },
    { server: 'l*bel:x' },
    { conditions: [] },
    { conditions: [{ path: '$.amount', gte: 1, lte: 100 }] },
    {
      conditions: [
        { path: '$.mode', in: ['a', 1, true] },
        { path: '$.force', exists: false },
      ],
    },
    { conditions: [{ path: '$.mode', eq: false }], allowedParams: ['mode'] },
  ])('may be %j', (rule) => {
    expect(problemsOf(rule)).toEqual([])
  })

  it.each([
    [{ server: 'label:' }, 'server: must name one label after "label:", without * and ?'],
    [{ server: 'label:prod*' }, 'server: must name one label after "label:", without * and ?'],
    [{ server: 'label:prod?' }, 'server: must name one label after "label:", without * and ?'],
    [{ conditions: [{ path: '$.a' }] }, 'conditions.0: must compare: one of eq, ne, lt'],
    [{ conditions: [{ path: '$.a', eq: undefined }] }, 'conditions.0: must compare: one of eq, ne, lt'],
    [{ conditions: [{ path: '$.*', eq: 1 }] }, 'conditions.0.path: must be a path such as $.path'],
    [{ conditions: [{ eq: 1 }] }, 'conditions.0.path: '],
    [{ conditions: [{ path: '$.a', regex: '.*' }] }, 'conditions.0: '],
    [{ conditions: [{ path: '$.a', eq: null }] }, 'conditions.0.eq: '],
    [{ conditions: [{ path: '$.a', eq: {} }] }, 'conditions.0.eq: '],
    [{ conditions: [{ path: '$.a', lt: '5' }] }, 'conditions.0.lt: '],
    [{ conditions: [{ path: '$.a', lt: Number.NaN }] }, 'conditions.0.lt: '],
    [{ conditions: [{ path: '$.a', in: [] }] }, 'conditions.0.in: '],
    [{ conditions: [{ path: '$.a', matches: '' }] }, 'conditions.0.matches: '],
    [{ conditions: [{ path: '$.a', exists: 'yes' }] }, 'conditions.0.exists: '],
    [{ allowedParams: 'path' }, 'allowedParams: '],
    [{ params: ['path'] }, ': '],
    [{ tool: 'a'.repeat(1_025) }, 'tool: '],
  ])('may not be %j', (rule, problem) => {
    expect(problemsOf(rule)[0]).toContain(problem)
  })

  it('is, without words of its own, for everything, and asks for nothing', () => {
    expect(Policy.parse({ name: 'p', rules: [{ level: 'read' }] })).toEqual({
      name: 'p',
      default: 'deny',
      rules: [{ server: '*', tool: '*', level: 'read' }],
    })
  })
})
