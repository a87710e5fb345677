/** What the parts of an access mean, by example. That the compiled form and the definition agree is in properties.test.ts. */
import { describe, expect, it } from 'vitest'
import { Policy } from '#contract/policy.ts'
import { composeAccess, type Access } from './access.ts'
import type { AccessParts, AttachedPolicy } from './composition.ts'
import type { Decision } from './decide.ts'

type Given = Partial<Omit<AccessParts, 'grant' | 'bounds' | 'within'>> & {
  grant?: unknown[]
  bounds?: unknown[]
  within?: unknown[]
  labels?: Record<string, string[]>
}

/** Policies are named after their place: `grant 0`, `bound 0`. */
function accessOf({ grant = [], bounds = [], within, labels = {}, ceilings = [], ...facts }: Given): Access {
  const attach = (policies: unknown[], kind: 'token' | 'user' | 'organization', word: string): AttachedPolicy[] =>
    policies.map((policy, index) => ({
      policy: Policy.parse({ name: `${word} ${index}`, ...(policy as object) }),
      attachedTo: { kind },
    }))
  return composeAccess({
    grant: attach(grant, 'token', 'grant'),
    bounds: attach(bounds, 'organization', 'bound'),
    ...(within && { within: attach(within, 'user', 'owner') }),
    ceilings,
    labelsOf: (server) => labels[server] ?? [],
    ...facts,
  })
}

const by = (policy: string, index: number, more: object = {}): Decision['reason'] => ({
  kind: 'rule',
  policy,
  index,
  ...more,
})
const everything = { default: 'execute' }

describe('a rule for a label', () => {
  const labels = { web: ['prod', 'eu'], db: ['prod'], lab: ['test'] }

  it('is for every server that has it', () => {
    const access = accessOf({ labels, grant: [{ rules: [{ server: 'label:prod', level: 'execute' }] }] })
    const levels = ['web', 'db', 'lab', 'prod', 'label:prod'].map((server) => access.tool(server, 't').level)
    expect(levels).toEqual(['execute', 'execute', 'deny', 'deny', 'deny'])
    expect(access.mayReach('web')).toBe(true)
    expect(access.mayReach('lab')).toBe(false)
    expect(access.server('db')).toEqual({ level: 'execute', reason: by('grant 0', 0) })
  })

  it('yields to a rule for the server’s name, and goes before a pattern, however long', () => {
    const rules = [
      { server: 'label:prod', level: 'read' },
      { server: 'we*', level: 'admin' },
      { server: 'db', level: 'execute' },
    ]
    const access = accessOf({ labels, grant: [{ rules }] })
    expect(access.tool('web', 't')).toEqual({ level: 'read', reason: by('grant 0', 0) })
    expect(access.tool('db', 't')).toEqual({ level: 'execute', reason: by('grant 0', 2) })
  })

  it('gives the lower level where two labels of a server differ, whatever they are called', () => {
    const rules = [
      { server: 'label:prod', level: 'execute' },
      { server: 'label:eu', level: 'read' },
    ]
    expect(accessOf({ labels, grant: [{ rules }] }).tool('web', 't').level).toBe('read')
  })

  it('denies as any other', () => {
    const access = accessOf({
      labels,
      grant: [everything, { rules: [{ server: 'label:prod', tool: 'rm', level: 'deny' }] }],
    })
    expect(['web', 'lab'].map((server) => access.tool(server, 'rm').level)).toEqual(['deny', 'execute'])
  })
})

describe('a rule that asks for arguments', () => {
  const transfer = { server: 'bank', tool: 'transfer', level: 'execute', conditions: [{ path: '$.amount', lte: 100 }] }

  it('shows the tool, and allows the calls that it is for', () => {
    const access = accessOf({ grant: [{ rules: [transfer] }] })
    expect(access.tool('bank', 'transfer')).toEqual({
      level: 'execute',
      reason: by('grant 0', 0),
      isConditional: true,
    })
    expect(access.mayReach('bank')).toBe(true)
    expect(access.call('bank', 'transfer', { amount: 100 })).toEqual({ level: 'execute', reason: by('grant 0', 0) })
    expect(access.call('bank', 'transfer', { amount: 101 })).toEqual({
      level: 'deny',
      reason: { kind: 'default', policy: 'grant 0' },
      unmet: { policy: 'grant 0', index: 0, parameter: '$.amount' },
    })
    expect(access.call('bank', 'transfer', {}).level).toBe('deny')
  })

  it('goes before one for the same tool that asks for none, which counts for the other calls', () => {
    const access = accessOf({ grant: [{ rules: [transfer, { server: 'bank', tool: 'transfer', level: 'read' }] }] })
    expect(access.call('bank', 'transfer', { amount: 1 }).level).toBe('execute')
    expect(access.call('bank', 'transfer', { amount: 101 })).toEqual({
      level: 'read',
      reason: by('grant 0', 1),
      unmet: { policy: 'grant 0', index: 0, parameter: '$.amount' },
    })
  })

  it('narrows nothing: a wider rule counts for the calls that it is not for', () => {
    const access = accessOf({ grant: [{ rules: [transfer, { server: 'bank', level: 'execute' }] }] })
    expect(access.call('bank', 'transfer', { amount: 101 })).toEqual({ level: 'execute', reason: by('grant 0', 1) })
  })

  it('denies the calls that it is for, and those of which it cannot tell, and hides nothing', () => {
    const deny = { tool: 'transfer', level: 'deny', conditions: [{ path: '$.amount', gt: 100 }] }
    const access = accessOf({ grant: [everything], bounds: [{ rules: [deny] }] })
    expect(access.tool('bank', 'transfer')).toEqual({
      level: 'execute',
      reason: { kind: 'default', policy: 'grant 0' },
      isConditional: true,
    })
    const denied = { level: 'deny', reason: by('bound 0', 0, { parameter: '$.amount' }) }
    expect(access.call('bank', 'transfer', { amount: 101 })).toEqual(denied)
    expect(access.call('bank', 'transfer', { amount: '1' })).toEqual(denied)
    expect(access.call('bank', 'transfer', {})).toEqual(denied)
    expect(access.call('bank', 'transfer', { amount: 100 }).level).toBe('execute')
    expect(access.tool('bank', 'balance')).not.toHaveProperty('isConditional')
  })

  it('names the most specific rule that would have allowed more', () => {
    const rules = [
      { level: 'execute', conditions: [{ path: '$.b', eq: 1 }] },
      { server: 'bank', tool: 'pay', level: 'read', conditions: [{ path: '$.c', eq: 1 }] },
      { server: 'bank', tool: 'pay*', level: 'admin', allowedParams: ['d'] },
    ]
    const access = accessOf({ grant: [{ default: 'read', rules }] })
    expect(access.call('bank', 'pay', { secret: 's' })).toEqual({
      level: 'read',
      reason: { kind: 'default', policy: 'grant 0' },
      unmet: { policy: 'grant 0', index: 2, parameter: '$.secret' },
    })
  })

  it('for every tool says nothing good of prompts and resources, which have no arguments', () => {
    const conditions = [{ path: '$.env', eq: 'dev' }]
    const allowing = accessOf({ grant: [{ rules: [{ level: 'execute', conditions }] }] })
    expect(allowing.server('db').level).toBe('deny')
    expect(allowing.mayReach('db')).toBe(true)
    const denying = accessOf({ grant: [everything, { rules: [{ level: 'deny', conditions }] }] })
    expect(denying.server('db')).toEqual({ level: 'deny', reason: by('grant 1', 0) })
    expect(denying.tool('db', 'query').level).toBe('execute')
    expect(denying.mayReach('db')).toBe(true)
  })
})

describe('a bound', () => {
  it('denies, and gives nothing, neither by rule nor by default', () => {
    const bound = { default: 'admin', rules: [{ level: 'admin' }, { tool: 'rm', level: 'deny' }] }
    const access = accessOf({ grant: [{ rules: [{ server: 'fs', level: 'execute' }] }], bounds: [bound] })
    expect(access.tool('fs', 'rm')).toEqual({ level: 'deny', reason: by('bound 0', 1) })
    expect(access.tool('fs', 'ls').level).toBe('execute')
    expect(access.tool('db', 'query').level).toBe('deny')
    expect(accessOf({ bounds: [bound] }).tool('fs', 'ls').reason).toEqual({ kind: 'no_policy' })
  })

  it('takes nothing away by a default of deny', () => {
    expect(accessOf({ grant: [everything], bounds: [{ default: 'deny' }] }).tool('fs', 'ls').level).toBe('execute')
  })
})

describe('a ceiling', () => {
  const token = { name: 'token', servers: ['fs'], labels: ['prod'], tools: [{ server: 'db', tool: 'query' }] }
  const toolsets = [{ name: 'tools', tools: [{ server: 'db', tool: 'count' }] }]
  const labels = { web: ['prod'] }

  it('lets through what any of its lists names, and nothing else', () => {
    const access = accessOf({ grant: [everything], labels, ceilings: [{ ...token, toolsets }] })
    expect(access.tool('fs', 'ls').level).toBe('execute')
    expect(access.tool('web', 'get').level).toBe('execute')
    expect(['query', 'count', 'drop'].map((tool) => access.tool('db', tool).level)).toEqual([
      'execute',
      'execute',
      'deny',
    ])
    expect(access.tool('db', 'drop').reason).toEqual({ kind: 'ceiling', name: 'token' })
    expect(access.tool('else', 'x').reason).toEqual({ kind: 'ceiling', name: 'token' })
    expect(['fs', 'web', 'db', 'else'].map((server) => access.mayReach(server))).toEqual([true, true, true, false])
  })

  it('that names tools of a server lets neither its prompts nor its resources through', () => {
    const access = accessOf({ grant: [everything], labels, ceilings: [token] })
    expect(['fs', 'web', 'db'].map((server) => access.server(server).level)).toEqual(['execute', 'execute', 'deny'])
    expect(access.server('db').reason).toEqual({ kind: 'ceiling', name: 'token' })
  })

  it('that names nothing lets nothing through', () => {
    const access = accessOf({ grant: [everything], ceilings: [{ name: 'project empty' }] })
    expect(access.tool('fs', 'ls')).toEqual({ level: 'deny', reason: { kind: 'ceiling', name: 'project empty' } })
    expect(access.mayReach('fs')).toBe(false)
  })

  it('and another let through what both do', () => {
    const agent = { name: 'agent', tools: ['query', 'drop'].map((tool) => ({ server: 'db', tool })) }
    const access = accessOf({ grant: [everything], ceilings: [token, agent] })
    expect(access.tool('db', 'query').level).toBe('execute')
    expect(access.tool('db', 'drop').reason).toEqual({ kind: 'ceiling', name: 'token' })
    expect(access.tool('fs', 'ls').reason).toEqual({ kind: 'ceiling', name: 'agent' })
    expect(
      accessOf({
        grant: [everything],
        ceilings: [agent, { name: 'b', tools: [{ server: 'db', tool: 'count' }] }],
      }).mayReach('db'),
    ).toBe(false)
  })

  it('gives nothing, and tells before the rules why not', () => {
    expect(accessOf({ ceilings: [token] }).tool('fs', 'ls').reason).toEqual({ kind: 'no_policy' })
    const denying = { rules: [{ level: 'deny' }] }
    expect(accessOf({ grant: [denying], ceilings: [token] }).tool('else', 'x').reason.kind).toBe('ceiling')
  })
})

describe('a server that is for everyone', () => {
  const isForEveryone = (server: string): boolean => server === 'time'

  it('can be called by whoever has a token', () => {
    const access = accessOf({ isForEveryone })
    expect(access.tool('time', 'now')).toEqual({ level: 'execute', reason: { kind: 'everyone' } })
    expect(access.server('time').level).toBe('execute')
    expect(access.mayReach('time')).toBe(true)
    expect(access.tool('fs', 'ls').level).toBe('deny')
  })

  it('is not lowered by a rule that gives less, and is raised by one that gives more', () => {
    const access = accessOf({
      isForEveryone,
      grant: [
        {
          rules: [
            { server: 'time', level: 'read' },
            { tool: 'set', level: 'admin' },
          ],
        },
      ],
    })
    expect(access.tool('time', 'now')).toEqual({ level: 'execute', reason: { kind: 'everyone' } })
    expect(access.tool('time', 'set').level).toBe('admin')
  })

  it('is denied by a rule that denies, and cut off by a ceiling', () => {
    const bounds = [{ rules: [{ server: 'time', tool: 'set', level: 'deny' }] }]
    expect(accessOf({ isForEveryone, bounds }).tool('time', 'set').level).toBe('deny')
    expect(accessOf({ isForEveryone, ceilings: [{ name: 'project x' }] }).tool('time', 'now').level).toBe('deny')
  })
})

describe('a server of which two grants have no tool in common', () => {
  const giving = (...tools: string[]) => [{ rules: tools.map((tool) => ({ server: 'fs', tool, level: 'execute' })) }]
  const deny = { rules: [{ tool: 'read_*', level: 'deny' }] }
  const ofDb = [{ rules: [{ server: 'db', level: 'read' }] }]
  it.each([
    ['two patterns that never meet', [giving('read_*'), giving('write_*')], false],
    ['two that meet in the middle', [giving('read_*_all'), giving('*_x_*')], true],
    ['a name that the pattern leaves out', [giving('rm'), giving('read_*')], false],
    ['one more name, which is in both', [giving('rm', 'read_x'), giving('read_*')], true],
    ['all of it, of which all that is left is denied', [giving('*'), [...giving('read_?*', 'read_x'), deny]], false],
    ['all of it, of which something is left', [giving('*'), [...giving('read_*', 'w*'), deny]], true],
    ['servers that are not the same', [ofDb, giving('*')], false],
  ])('%s', (_what, [one = [], other = []], mayReach) => {
    expect(accessOf({ grant: one, within: other }).mayReach('fs')).toBe(mayReach)
    expect(accessOf({ grant: other, within: one }).mayReach('fs')).toBe(mayReach)
  })

  it('is not reached by one grant either whose every pattern is denied', () => {
    expect(accessOf({ grant: giving('read_all*'), bounds: [deny] }).mayReach('fs')).toBe(false)
    expect(accessOf({ grant: giving('read*'), bounds: [deny] }).mayReach('fs')).toBe(true)
  })
})

describe('a grant within another one', () => {
  const outside = (level: string): object => ({ level, reason: { kind: 'ceiling', name: 'what its owner may call' } })

  it('gives what both give', () => {
    const within = [{ default: 'read', rules: [{ server: 'fs', level: 'execute' }] }]
    const access = accessOf({ grant: [everything], within })
    expect(access.tool('fs', 'ls')).toEqual({ level: 'execute', reason: { kind: 'default', policy: 'grant 0' } })
    expect(access.tool('db', 'ls')).toEqual(outside('read'))
    expect(access.server('db')).toEqual(outside('read'))
    expect(access.explain('db', 'ls').ceilings).toEqual([{ name: 'what its owner may call', isWithin: false }])
    expect(access.explain('fs', 'ls').ceilings).toEqual([{ name: 'what its owner may call', isWithin: true }])
  })

  it('gives nothing where the other one gives nothing, but servers for everyone', () => {
    const access = accessOf({ grant: [everything], within: [], isForEveryone: (server) => server === 'time' })
    expect(access.tool('fs', 'ls')).toEqual(outside('deny'))
    expect(access.mayReach('fs')).toBe(false)
    expect(access.tool('time', 'now').level).toBe('execute')
  })

  it('depends on the arguments that either asks for', () => {
    const rule = (path: string) => ({ level: 'execute', conditions: [{ path, eq: 1 }] })
    const access = accessOf({ grant: [{ rules: [rule('$.a')] }], within: [{ rules: [rule('$.b')] }] })
    expect(access.tool('fs', 'ls')).toMatchObject({ level: 'execute', isConditional: true })
    expect(access.call('fs', 'ls', { a: 1, b: 1 }).level).toBe('execute')
    for (const args of [{ a: 1 }, { b: 1 }]) expect(access.call('fs', 'ls', args).level).toBe('deny')
  })

  it('denies what the other one denies', () => {
    const access = accessOf({ grant: [everything], within: [everything, { rules: [{ tool: 'rm', level: 'deny' }] }] })
    expect(access.tool('fs', 'rm').reason).toEqual(by('owner 1', 0))
  })
})
