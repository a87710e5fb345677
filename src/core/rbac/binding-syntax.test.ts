import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import { anyBinding } from '#test/support/bindings.ts'
import { formatBinding, parseBinding } from './binding-syntax.ts'

function problemOf(text: string): unknown {
  try {
    return parseBinding(text)
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'invalid_binding') throw error
    return error.details
  }
}

describe('parseBinding', () => {
  it.each([
    ['role:view,resource:servers', { role: 'view', resource: 'servers' }],
    ['role:view,resource:servers,name:my-ha', { role: 'view', resource: 'servers', name: 'my-ha' }],
    ['name:my-ha, resource:servers ,role:edit', { role: 'edit', resource: 'servers', name: 'my-ha' }],
    ['role:create,resource:*', { role: 'create', resource: '*' }],
    ['role:run,resource:projects,name:prj_a', { role: 'run', resource: 'projects', name: 'prj_a' }],
    ['action:logs', { role: 'run', action: 'logs' }],
    ['role:run,action:backup', { role: 'run', action: 'backup' }],
  ])('reads %s', (text, binding) => {
    expect(parseBinding(text)).toEqual(binding)
  })

  it.each([
    ['', { problem: 'unknown_key' }],
    ['role:view,resources:servers', { problem: 'unknown_key' }],
    ['Role:view,resource:servers', { problem: 'unknown_key' }],
    ['role:view,resource:servers,', { problem: 'unknown_key' }],
    ['__proto__:view', { problem: 'unknown_key' }],
    ['role', { problem: 'missing_value', key: 'role' }],
    ['role:,resource:servers', { problem: 'missing_value', key: 'role' }],
    ['role:view,resource:servers,name: ', { problem: 'missing_value', key: 'name' }],
    ['role:view,role:edit,resource:servers', { problem: 'repeated_key', key: 'role' }],
    ['role:view', { problem: 'role_without_resource', key: 'resource' }],
    ['role:run', { problem: 'role_without_resource', key: 'resource' }],
    ['resource:servers', { problem: 'resource_without_role', key: 'role' }],
    ['name:my-ha', { problem: 'name_without_resource', key: 'resource' }],
    ['action:logs,name:my-ha', { problem: 'name_without_resource', key: 'name' }],
    ['role:run,resource:servers,action:logs', { problem: 'resource_and_action', key: 'action' }],
    ['role:view,action:logs', { problem: 'wrong_role_for_action', key: 'role' }],
    ['role:admin,resource:servers', { problem: 'unknown_value', key: 'role' }],
    ['role:view,resource:server', { problem: 'unknown_value', key: 'resource' }],
    ['role:view,resource:servers,name:ѕerver', { problem: 'unknown_value', key: 'name' }],
    ['action:reboot', { problem: 'unknown_value', key: 'action' }],
    [`role:view,resource:servers,name:${'x'.repeat(129)}`, { problem: 'unknown_value', key: 'name' }],
    [`role:view,resource:servers,name:${'x'.repeat(100_000)}`, { problem: 'too_long' }],
  ])('refuses %s and says why', (text, details) => {
    expect(problemOf(text)).toEqual(details)
  })

  it('reads back whatever formatBinding writes', () => {
    fc.assert(
      fc.property(anyBinding, (binding) => {
        expect(parseBinding(formatBinding(binding))).toEqual(binding)
      }),
    )
  })

  it('gives a binding or a named problem for any text', () => {
    const word = fc.constantFrom('role', 'resource', 'name', 'action', ':', ',', 'view', 'servers', '*', 'logs', ' ')
    fc.assert(
      fc.property(fc.array(fc.oneof(word, fc.string()), { maxLength: 12 }), (words) => {
        expect(problemOf(words.join(''))).toBeTypeOf('object')
      }),
    )
  })
})
