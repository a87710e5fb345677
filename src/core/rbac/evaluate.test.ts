import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Binding, ManagedResource, Role, RunAction } from '#contract/role-binding.ts'
import { anyBinding, anyBindings } from '#test/support/bindings.ts'
import {
  allowedScope,
  can,
  canManageEverything,
  canRun,
  everything,
  findExceeding,
  intersect,
  satisfies,
  viewOfEverything,
} from './evaluate.ts'

/** Every question that can be asked, over the names of `anyBinding` and one that no binding has. */
const names = [undefined, 'my-ha', 'a', 'b', 'srv_AbC-_9', 'other']
const targets = ManagedResource.options.flatMap((resource) => names.map((name) => ({ resource, name })))

/** All that these bindings allow, spelled out. */
function allAllowed(bindings: readonly Binding[]): Set<string> {
  const roles = Role.options.flatMap((role) =>
    targets.filter((target) => can(bindings, role, target)).map((target) => JSON.stringify([role, target])),
  )
  return new Set([...roles, ...RunAction.options.filter((action) => canRun(bindings, action))])
}

describe('can', () => {
  const bindings: Binding[] = [
    { role: 'edit', resource: 'servers', name: 'srv_1' },
    { role: 'create', resource: 'teams' },
    { role: 'run', resource: 'projects', name: 'prj_1' },
    { role: 'run', action: 'logs' },
  ]

  it('allows what a binding names, and nothing else', () => {
    expect(can(bindings, 'edit', { resource: 'servers', name: 'srv_1' })).toBe(true)
    expect(can(bindings, 'edit', { resource: 'servers', name: 'srv_2' })).toBe(false)
    expect(can(bindings, 'edit', { resource: 'toolsets', name: 'srv_1' })).toBe(false)
    expect(can(bindings, 'delete', { resource: 'servers', name: 'srv_1' })).toBe(false)
    expect(can(bindings, 'create', { resource: 'teams', name: 'any' })).toBe(true)
    expect(can([], 'view', { resource: 'servers' })).toBe(false)
  })

  it('takes edit for view as well, and no other role for another', () => {
    expect(can(bindings, 'view', { resource: 'servers', name: 'srv_1' })).toBe(true)
    for (const role of ['create', 'delete', 'run', 'view'] as const) {
      const others = Role.options.filter((other) => other !== role)
      for (const other of others) expect(can([{ role, resource: '*' }], other, { resource: 'servers' })).toBe(false)
    }
  })

  it('gives no right on all of a kind, or on all kinds, from a narrower one', () => {
    expect(can(bindings, 'edit', { resource: 'servers' })).toBe(false)
    expect(can(bindings, 'create', { resource: '*' })).toBe(false)
  })

  it('keeps operations apart from the role run on resources', () => {
    expect(canRun(bindings, 'logs')).toBe(true)
    expect(canRun(bindings, 'backup')).toBe(false)
    expect(canRun([{ role: 'run', resource: '*' }], 'logs')).toBe(false)
    expect(can([{ role: 'run', action: 'logs' }], 'run', { resource: 'projects' })).toBe(false)
  })

  it('never depends on the order of bindings', () => {
    fc.assert(
      fc.property(anyBindings, anyBindings, (one, other) => {
        expect(allAllowed([...one, ...other])).toEqual(allAllowed([...other, ...one].toReversed()))
      }),
    )
  })

  it('never loses a right by a further binding', () => {
    fc.assert(
      fc.property(anyBindings, anyBinding, (bindings, more) => {
        expect(allAllowed([...bindings, more]).isSupersetOf(allAllowed(bindings))).toBe(true)
      }),
    )
  })
})

describe('allowedScope', () => {
  it('tells exactly the names that can be viewed', () => {
    fc.assert(
      fc.property(anyBindings, fc.constantFrom(...Role.options), (bindings, role) => {
        for (const { resource, name } of targets) {
          const scope = allowedScope(bindings, role, resource)
          const isTold = scope === 'all' || (name !== undefined && scope.has(name))
          expect(isTold).toBe(can(bindings, role, { resource, name }))
        }
      }),
    )
  })
})

describe('the ceiling of a creator', () => {
  it('wants a wildcard for a wildcard, and no name for no name', () => {
    const all = ManagedResource.options.filter((resource) => resource !== '*')
    const oneByOne = all.map((resource): Binding => ({ role: 'view', resource }))
    expect(satisfies(oneByOne, { role: 'view', resource: '*' })).toBe(false)
    expect(satisfies([{ role: 'view', resource: 'servers', name: 'a' }], { role: 'view', resource: 'servers' })).toBe(
      false,
    )
    expect(satisfies([{ role: 'view', resource: '*', name: 'a' }], { role: 'view', resource: 'servers' })).toBe(false)
    expect(satisfies([{ role: 'view', resource: '*' }], { role: 'view', resource: 'servers', name: 'a' })).toBe(true)
  })

  it('names what goes beyond it', () => {
    const creator: Binding[] = [{ role: 'edit', resource: 'servers' }]
    const view: Binding = { role: 'view', resource: 'servers', name: 'a' }
    const remove: Binding = { role: 'delete', resource: 'servers' }
    expect(findExceeding(creator, [view, remove, { role: 'run', action: 'logs' }])).toEqual([
      remove,
      { role: 'run', action: 'logs' },
    ])
  })

  it('never lets through more than the creator has', () => {
    fc.assert(
      fc.property(anyBindings, anyBindings, (creator, requested) => {
        const exceeding = new Set(findExceeding(creator, requested))
        const given = requested.filter((binding) => !exceeding.has(binding))
        expect(allAllowed(given).isSubsetOf(allAllowed(creator))).toBe(true)
        for (const binding of exceeding) expect(allAllowed([binding]).isSubsetOf(allAllowed(creator))).toBe(false)
      }),
    )
  })

  it('lets through all that the creator has', () => {
    fc.assert(
      fc.property(anyBindings, (creator) => {
        expect(findExceeding(creator, creator)).toEqual([])
      }),
    )
  })

  it('never depends on the order of either list', () => {
    fc.assert(
      fc.property(anyBindings, anyBindings, (creator, requested) => {
        const one = findExceeding(creator, requested)
        const other = findExceeding(creator.toReversed(), requested.toReversed())
        expect(other.toReversed()).toEqual(one)
      }),
    )
  })
})

describe('intersect', () => {
  it('allows exactly what both allow', () => {
    fc.assert(
      fc.property(anyBindings, anyBindings, (one, other) => {
        const both = allAllowed(one).intersection(allAllowed(other))
        expect(allAllowed(intersect(one, other))).toEqual(both)
        expect(allAllowed(intersect(other, one))).toEqual(both)
      }),
    )
  })

  it('takes nothing away from what an admin gives, and leaves of it to a viewer the viewing alone', () => {
    fc.assert(
      fc.property(anyBindings, (bindings) => {
        expect(allAllowed(intersect(bindings, everything))).toEqual(allAllowed(bindings))
        const viewed = intersect(bindings, viewOfEverything)
        expect(viewed.every((binding) => binding.role === 'view')).toBe(true)
      }),
    )
  })

  it('says nothing twice', () => {
    expect(intersect([...viewOfEverything, ...viewOfEverything], everything)).toEqual(viewOfEverything)
  })
})

describe('canManageEverything', () => {
  it('is true of an admin, and of nobody who lacks a role or a kind', () => {
    expect(canManageEverything(everything)).toBe(true)
    expect(canManageEverything(viewOfEverything)).toBe(false)
    for (const missing of ['create', 'edit', 'delete', 'run'] as const) {
      expect(canManageEverything(everything.filter((binding) => 'action' in binding || binding.role !== missing))).toBe(
        false,
      )
    }
  })
})
