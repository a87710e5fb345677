/** A resource as it was and as it is to be, and what whoever has less than everything may not do to it. */
import { GatewayError } from '#contract/errors.ts'
import type { ManagedKind } from '#contract/resource.ts'
import { canManageEverything } from '#core/rbac/evaluate.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import type { Actor } from './actor.ts'
import type { ControlDeps } from './control-deps.ts'
import { organizationOf } from './grants.ts'

/** `before` is null where it is new. References in both are ids. */
export type Transition<Kind extends ManagedKind = ManagedKind> = {
  before: Resource<Kind> | null
  after: Resource<Kind>
}

/** Who may manage everything is bound by no ceiling: it could give itself whatever it lacks. */
export function isFree(actor: Actor): boolean {
  return canManageEverything(actor.bindings)
}

/** @param path of what cannot be given */
export function exceedsCreator(...paths: readonly string[]): GatewayError {
  return new GatewayError('exceeds_creator', { details: { paths } })
}

type InOrganization = Extract<Resource, { spec: { organization?: string | undefined } }>

/** Its denies bind what is in it, so nobody takes anything out of it, or makes something outside of its own. */
export function checkOrganization(
  { index }: Pick<ControlDeps, 'index'>,
  actor: Actor,
  { before, after }: { before: InOrganization | null; after: InOrganization },
): void {
  if (isFree(actor)) return
  const bound = before === null ? organizationOf(index, actor) : before.spec.organization
  if (after.spec.organization !== bound) throw exceedsCreator('organization')
}

export function isSameSet(one: readonly string[], other: readonly string[]): boolean {
  return new Set(one).symmetricDifference(new Set(other)).size === 0
}

/** Members whose values are not the same, by name. Both have passed one schema, so equal values are written equally. */
export function changedMembers(before: object, after: object): string[] {
  const [one, other] = [new Map(Object.entries(before)), new Map(Object.entries(after))]
  return [...new Set([...one.keys(), ...other.keys()])].filter(
    (key) => JSON.stringify(one.get(key)) !== JSON.stringify(other.get(key)),
  )
}
