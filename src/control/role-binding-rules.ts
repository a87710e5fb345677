import type { Binding } from '#contract/role-binding.ts'
import { invalidBody } from '#contract/parse-body.ts'
import { ResourceName } from '#contract/resource.ts'
import { findExceeding } from '#core/rbac/evaluate.ts'
import type { Actor } from './actor.ts'
import { changedMembers, exceedsCreator, type Transition } from './transition.ts'

/** Whoever is bound to something is so by somebody who has it. */
export function checkRoleBinding(actor: Actor, { before, after }: Transition<'role_binding'>): void {
  if (before !== null && changedMembers(before.spec, after.spec).every((member) => member === 'description')) return
  checkBindings(actor, after.spec.bindings)
}

/**
 * @param bindings with ids for names
 * @throws GatewayError `exceeds_creator` with the `paths` of what the actor does not have itself; `invalid_body`
 */
export function checkBindings(actor: Actor, bindings: readonly Binding[]): void {
  checkNames(bindings)
  const exceeding = new Set(findExceeding(actor.bindings, bindings))
  if (exceeding.size === 0) return
  throw exceedsCreator(...bindings.flatMap((binding, index) => (exceeding.has(binding) ? [`bindings[${index}]`] : [])))
}

/** A name of every kind is a name of none; and what is to be created must be able to have the name. */
function checkNames(bindings: readonly Binding[]): void {
  const problems = bindings.flatMap((binding, index) => {
    if ('action' in binding || binding.name === undefined) return []
    const path = `bindings[${index}].name`
    if (binding.resource === '*') return [{ path, problem: 'needs a resource of one kind' }]
    const isName = binding.role !== 'create' || ResourceName.safeParse(binding.name).success
    return isName ? [] : [{ path, problem: 'must be a name that a new resource can have' }]
  })
  if (problems.length > 0) throw invalidBody(problems)
}
