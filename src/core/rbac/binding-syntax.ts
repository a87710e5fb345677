/**
 * Bindings as people write them on a command line: `role:view,resource:servers`, `role:view,resource:servers,name:my-ha`,
 * `action:logs` (which implies `role:run`). Keys come in any order and each once.
 */
import { GatewayError } from '#contract/errors.ts'
import { Binding, ManagedResource, Role, RunAction } from '#contract/role-binding.ts'

/** Why a text is no binding. It stands in the error's `details`, with the key it is about; never with the value. */
export type BindingProblem =
  | 'too_long'
  | 'unknown_key'
  | 'missing_value'
  | 'repeated_key'
  | 'unknown_value'
  | 'role_without_resource'
  | 'resource_without_role'
  | 'resource_and_action'
  | 'name_without_resource'
  | 'wrong_role_for_action'

const keys = ['role', 'resource', 'name', 'action'] as const
type Key = (typeof keys)[number]
type Parts = Partial<Record<Key, string>>

const textCharsMax = 400

/**
 * @public for whoever takes bindings as people type them
 * @throws GatewayError `invalid_binding` with `details` `{ problem, key }`
 */
export function parseBinding(text: string): Binding {
  const parts = splitParts(text)
  checkTogether(parts)
  const { role, resource, name, action } = parts
  if (action !== undefined) return { role: 'run', action: oneOf(RunAction, action, 'action') }
  return toBinding({
    role: oneOf(Role, role, 'role'),
    resource: oneOf(ManagedResource, resource, 'resource'),
    ...(name !== undefined && { name }),
  })
}

/** What `parseBinding` reads back as the same binding. */
export function formatBinding(binding: Binding): string {
  if ('action' in binding) return `action:${binding.action}`
  const name = binding.name === undefined ? '' : `,name:${binding.name}`
  return `role:${binding.role},resource:${binding.resource}${name}`
}

function splitParts(text: string): Parts {
  if (text.length > textCharsMax) fail('too_long')
  const parts: Parts = {}
  for (const part of text.split(',')) {
    const colon = part.indexOf(':')
    const key = toKey((colon < 0 ? part : part.slice(0, colon)).trim())
    const value = colon < 0 ? '' : part.slice(colon + 1).trim()
    if (value === '') fail('missing_value', key)
    if (parts[key] !== undefined) fail('repeated_key', key)
    parts[key] = value
  }
  return parts
}

function toKey(text: string): Key {
  return keys.find((key) => key === text) ?? fail('unknown_key')
}

function checkTogether({ role, resource, name, action }: Parts): void {
  if (action !== undefined) {
    if (resource !== undefined) fail('resource_and_action', 'action')
    if (name !== undefined) fail('name_without_resource', 'name')
    if (role !== undefined && role !== 'run') fail('wrong_role_for_action', 'role')
    return
  }
  if (resource === undefined) fail(role === undefined ? 'name_without_resource' : 'role_without_resource', 'resource')
  if (role === undefined) fail('resource_without_role', 'role')
}

function oneOf<Word extends string>(
  { options }: { options: readonly Word[] },
  text: string | undefined,
  key: Key,
): Word {
  return options.find((option) => option === text) ?? fail('unknown_value', key)
}

/** A name may have forms that no resource's name has: the schema knows. */
function toBinding(binding: Binding): Binding {
  const parsed = Binding.safeParse(binding)
  return parsed.success ? parsed.data : fail('unknown_value', 'name')
}

function fail(problem: BindingProblem, key?: Key): never {
  throw new GatewayError('invalid_binding', { details: { problem, ...(key && { key }) } })
}
