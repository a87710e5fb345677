import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { AuthorizationError, ConfigurationError } from './errors.ts'
import { PermissionLevel, PermissionRule } from './permission-level.ts'
import { PermissionManager, type PermissionCaller } from './permission-manager.ts'
import { PermissionPolicy } from './permission-policy.ts'

const { Deny, Read, Execute, Admin } = PermissionLevel

const production: PermissionPolicy = {
  name: 'production',
  defaultLevel: Deny,
  rules: [
    new PermissionRule('filesystem', 'read_file', Execute),
    new PermissionRule('database', '*', Execute),
    new PermissionRule('*', 'delete_*', Deny),
  ],
}

function managerWith(set: (manager: PermissionManager) => void): PermissionManager {
  const manager = new PermissionManager()
  set(manager)
  return manager
}

/** The level, or null where the check refuses. */
function levelOf(run: () => PermissionLevel): PermissionLevel | null {
  try {
    return run()
  } catch (error) {
    if (error instanceof AuthorizationError) return null
    throw error
  }
}

describe('PermissionLevel', () => {
  it('knows what each level may', () => {
    const levels = [Deny, Read, Execute, Admin]
    expect(levels.map(PermissionLevel.canRead)).toEqual([false, true, true, true])
    expect(levels.map(PermissionLevel.canExecute)).toEqual([false, false, true, true])
    expect(levels.map(PermissionLevel.isAdmin)).toEqual([false, false, false, true])
  })
})

describe('PermissionRule', () => {
  it('is written with three arguments, with two, or step by step', () => {
    expect(new PermissionRule('fs', 'read_*', Execute)).toMatchObject({
      serverPattern: 'fs',
      toolPattern: 'read_*',
      level: 'execute',
    })
    expect(new PermissionRule('fs', Read)).toMatchObject({ serverPattern: 'fs', toolPattern: '*', level: 'read' })
    expect(new PermissionRule('fs', Read).forTool('x')).toMatchObject({
      serverPattern: 'fs',
      toolPattern: 'x',
      level: 'read',
    })
  })

  it('refuses what is no level', () => {
    expect(() => Reflect.construct(PermissionRule, ['fs', 'read_*'])).toThrow(ConfigurationError)
    expect(() => Reflect.construct(PermissionRule, ['fs', 'x', 'EXECUTE'])).toThrow(ConfigurationError)
  })
})

describe('PermissionManager as documented', () => {
  const manager = managerWith((it) => {
    it.setDefaultLevel(Read)
    it.setKeyPolicy('sk-prod-123', production)
    it.setKeyPolicy('sk-dev-456', PermissionPolicy.allowAll())
  })

  it.each([
    ['filesystem', 'read_file', 'execute'],
    ['filesystem', 'write_file', null],
    ['database', 'query', 'execute'],
    ['database', 'delete_table', null],
    ['other', 'x', null],
  ])('answers for a key: %s/%s is %s', (server, tool, level) => {
    expect(levelOf(() => manager.checkToolAccess('sk-prod-123', server, tool))).toBe(level)
    expect(levelOf(() => manager.checkToolAccess(server, tool, { key: 'sk-prod-123' }))).toBe(level)
  })

  it('gives each key its own policy, and others the default', () => {
    expect(manager.checkToolAccess('sk-dev-456', 'database', 'delete_table')).toBe(Execute)
    for (const key of ['sk-unknown', '__proto__', '', null, undefined]) {
      expect(levelOf(() => manager.checkToolAccess(key, 'database', 'query'))).toBeNull()
      expect(manager.checkServerAccess(key, 'database')).toBe(Read)
    }
  })

  it('throws what refuses a call, with server and tool', () => {
    expect(() => manager.checkToolAccess('sk-prod-123', 'filesystem', 'rm')).toThrow(
      expect.objectContaining({ name: 'AuthorizationError', server: 'filesystem', tool: 'rm', httpStatus: 403 }),
    )
    expect(() => manager.checkServerAccess('sk-prod-123', 'filesystem')).toThrow(AuthorizationError)
  })
})

describe('PermissionManager', () => {
  it('denies everything as constructed', () => {
    const manager = new PermissionManager()
    expect(levelOf(() => manager.checkToolAccess('k', 'fs', 'read'))).toBeNull()
    expect(levelOf(() => manager.checkToolAccess('fs', 'read'))).toBeNull()
    expect(levelOf(() => manager.checkServerAccess('fs'))).toBeNull()
    expect(levelOf(() => manager.checkServerAccess('k', 'fs'))).toBeNull()
  })

  it('denies by a policy that names no default', () => {
    const manager = managerWith((it) => it.setKeyPolicy('k', { name: 'empty' }))
    expect(levelOf(() => manager.checkToolAccess('k', 'fs', 'read'))).toBeNull()
  })

  describe('with policies of key, team and organisation', () => {
    const manager = managerWith((it) => {
      it.setDefaultPolicy({ name: 'default', defaultLevel: Read, rules: [new PermissionRule('*', 'x', Deny)] })
      it.setKeyPolicy('k', { name: 'key', defaultLevel: Admin })
      it.setTeamPolicy('t', { name: 'team', defaultLevel: Execute, rules: [new PermissionRule('*', 'team_no', Deny)] })
      it.setOrgPolicy('o', {
        name: 'org',
        defaultLevel: Read,
        rules: [new PermissionRule('*', 'org_no', Deny)],
        deniedServers: ['hr*'],
      })
    })
    const level = (caller: PermissionCaller, tool: string, server = 'fs') =>
      manager.access(caller).tool(server, tool).level

    it('takes the first of key, team, organisation and default for what is allowed', () => {
      expect(level({ key: 'k', team: 't', org: 'o' }, 'a')).toBe('admin')
      expect(level({ key: 'other', team: 't', org: 'o' }, 'a')).toBe('execute')
      expect(level({ team: 'other', org: 'o' }, 'a')).toBe('read')
      expect(level({ org: 'other' }, 'a')).toBe('read')
      expect(level({}, 'x')).toBe('deny')
    })

    it('keeps what team and organisation deny denied, whoever allows it', () => {
      expect(level({ key: 'k', team: 't', org: 'o' }, 'team_no')).toBe('deny')
      expect(level({ key: 'k', team: 't', org: 'o' }, 'org_no')).toBe('deny')
      expect(level({ key: 'k' }, 'org_no')).toBe('admin')
      expect(level({ key: 'k', org: 'o' }, 'a', 'hr-files')).toBe('deny')
      expect(manager.access({ key: 'k', org: 'o' }).server('hr-files').level).toBe('deny')
    })

    it('adds nothing of what team and organisation allow to the policy that was chosen', () => {
      const low = managerWith((it) => {
        it.setKeyPolicy('k', { name: 'key', defaultLevel: Read })
        it.setTeamPolicy('t', { name: 'team', defaultLevel: Admin, rules: [new PermissionRule('fs', 'a', Execute)] })
      })
      expect(low.access({ key: 'k', team: 't' }).tool('fs', 'a').level).toBe('read')
    })

    it('leaves the default policy out where a policy was chosen', () => {
      expect(level({ key: 'k' }, 'x')).toBe('admin')
    })
  })

  it('denies every server that a list of allowed ones does not name, whoever has the list', () => {
    const manager = managerWith((it) => {
      it.setKeyPolicy('k', { name: 'key', defaultLevel: Execute, allowedServers: ['fs', 'db-*'] })
      it.setOrgPolicy('o', { name: 'org', allowedServers: ['fs'] })
    })
    const reach = (caller: PermissionCaller) =>
      ['fs', 'db-1', 'web'].map((server) => {
        const access = manager.access(caller)
        return [access.tool(server, 't').level, access.server(server).level, access.mayReach(server)]
      })
    const open = ['execute', 'execute', true]
    const closed = ['deny', 'deny', false]
    expect(reach({ key: 'k' })).toEqual([open, open, closed])
    expect(reach({ key: 'k', org: 'o' })).toEqual([open, closed, closed])
    expect(manager.access({ key: 'k' }).tool('web', 't').reason).toEqual({ kind: 'default', policy: 'key' })
    expect(manager.access({ key: 'k' }).fingerprint).not.toBe(manager.access({ key: 'k', org: 'o' }).fingerprint)
  })

  it('lets a denied server stay denied even where it is also allowed', () => {
    const policy = { name: 'p', defaultLevel: Admin, allowedServers: ['fs'], deniedServers: ['fs'] }
    const manager = managerWith((it) => it.setKeyPolicy('k', policy))
    expect(levelOf(() => manager.checkToolAccess('k', 'fs', 't'))).toBeNull()
  })

  it('applies a change at once, and a removal', () => {
    const manager = managerWith((it) => it.setKeyPolicy('k', PermissionPolicy.allowAll()))
    expect(manager.checkToolAccess('k', 'fs', 't')).toBe(Execute)
    manager.setOrgPolicy('o', PermissionPolicy.denyAll())
    manager.setKeyPolicy('k', { ...PermissionPolicy.allowAll(), rules: [new PermissionRule('fs', Deny)] })
    expect(levelOf(() => manager.checkToolAccess('k', 'fs', 't'))).toBeNull()
    manager.setKeyPolicy('k', null)
    manager.setDefaultLevel(Admin)
    expect(manager.checkToolAccess('k', 'fs', 't')).toBe(Admin)
    expect(levelOf(() => manager.checkToolAccess('fs', 't', { key: 'k', org: 'o' }))).toBeNull()
  })

  it('keeps the hash of a key where it is told how to make one', () => {
    const hashed: string[] = []
    const manager = new PermissionManager({
      hashKey(key) {
        hashed.push(key)
        return createHash('sha256').update(key).digest('hex')
      },
    })
    manager.setKeyPolicy('sk-secret', PermissionPolicy.allowAll())
    expect(manager.checkToolAccess('sk-secret', 'fs', 't')).toBe(Execute)
    expect(new Set(hashed)).toEqual(new Set(['sk-secret']))
    const hash = createHash('sha256').update('sk-secret').digest('hex')
    expect(levelOf(() => manager.checkToolAccess(hash, 'fs', 't'))).toBeNull()
  })

  it('gives the lowest rate limit of the policies that apply', () => {
    const manager = managerWith((it) => {
      it.setKeyPolicy('k', { name: 'key', rateLimitRpm: 100 })
      it.setOrgPolicy('o', { name: 'org', rateLimitRpm: 60 })
    })
    expect(manager.rateLimitRpm({ key: 'k' })).toBe(100)
    expect(manager.rateLimitRpm({ key: 'k', org: 'o' })).toBe(60)
    expect(manager.rateLimitRpm({})).toBeUndefined()
  })

  it('answers rightly for more callers than it remembers', () => {
    const manager = managerWith((it) => it.setTeamPolicy('t', PermissionPolicy.allowAll()))
    for (let index = 0; index < 2_500; index++) manager.access({ key: `k${index}` })
    expect(manager.checkToolAccess('fs', 'x', { key: 'k1', team: 't' })).toBe(Execute)
  })

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['a misspelt member', { name: 'p', deniedServer: ['fs'] }, /deniedServer: is not known/],
    ['no name', {}, /name:/],
    ['an unknown level', { name: 'p', defaultLevel: 'all' }, /: defaultLevel:/],
    ['a rule without a level', { name: 'p', rules: [{ serverPattern: 'fs' }] }, /rules\.0\.level:/],
    [
      'an empty pattern',
      { name: 'p', rules: [{ serverPattern: '', toolPattern: '', level: 'read' }] },
      /rules\.0\.serverPattern:.*rules\.0\.toolPattern:/,
    ],
    [
      'an empty denied server',
      { name: 'p', rules: [new PermissionRule('a', Read)], deniedServers: ['b', ''] },
      /: deniedServers\.1:/,
    ],
    ['an allowed server that is no pattern', { name: 'p', allowedServers: ['a', 1] }, /allowedServers\.1:/],
    ['no sensible rate', { name: 'p', rateLimitRpm: 0 }, /rateLimitRpm:/],
  ])('refuses a policy with %s, and keeps the former one', (_what, policy, fault) => {
    const manager = managerWith((it) => it.setKeyPolicy('k', PermissionPolicy.allowAll()))
    const set: unknown = () => manager.setKeyPolicy('k', policy as PermissionPolicy)
    expect(set).toThrow(ConfigurationError)
    expect(set).toThrow(fault)
    expect(manager.checkToolAccess('k', 'fs', 't')).toBe(Execute)
  })
})
