/** The places in a spec where it names other resources: people write names or ids there, the store keeps ids. */
import type { ResourceKind } from '#contract/resource.ts'
import { mapSecretRefs } from '#contract/secret-text.ts'
import type { Binding } from '#contract/role-binding.ts'
import { isJsonObject } from '#core/protocol/json-rpc.ts'
import { toManagedKind } from '#core/rbac/managed-resource.ts'
import { referenceRules } from '#core/resources/references.ts'

/** One reference. `path` is where it stands, such as `members[3].user`. */
export type NamedReference = { kind: ResourceKind; ref: string; path: string }

type Rewrite = (reference: NamedReference) => string

/** By kind, each path once with the kinds that may stand there. */
const places = Map.groupBy(referenceRules, ({ from }) => from)

/** A copy in which every reference is what `rewrite` makes of it. */
export function mapReferences<Spec extends object>(kind: ResourceKind, spec: Spec, rewrite: Rewrite): Spec {
  const byPath = Map.groupBy(places.get(kind) ?? [], ({ path }) => path)
  let mapped = spec
  for (const [path, rules] of byPath) {
    const to = rules[0]?.to
    if (to !== undefined) mapped = mapAt(mapped, path.split('.'), { to, rewrite, path: '' })
  }
  return mapBindings(mapped, rewrite)
}

export function listReferences(kind: ResourceKind, spec: object): NamedReference[] {
  const found: NamedReference[] = []
  mapReferences(kind, spec, (reference) => {
    found.push(reference)
    return reference.ref
  })
  return found
}

/** The resource that a binding is narrowed to; of `create` and of what is not stored the name is kept as it is. */
function kindOfBindingName(binding: Binding): ResourceKind | null {
  if ('action' in binding || binding.name === undefined || binding.role === 'create') return null
  return toManagedKind(binding.resource)
}

type Walk = { to: ResourceKind; rewrite: Rewrite; path: string }

function mapAt<Value>(value: Value, members: readonly string[], walk: Walk): Value
function mapAt(value: unknown, members: readonly string[], walk: Walk): unknown {
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) => mapAt(item, members, { ...walk, path: `${walk.path}[${index}]` }))
  }
  const [member, ...rest] = members
  if (member === undefined) return mapReference(value, walk)
  if (!isJsonObject(value) || value[member] === undefined) return value
  const path = walk.path === '' ? member : `${walk.path}.${member}`
  return { ...value, [member]: mapAt(value[member], rest, { ...walk, path }) }
}

/** A text, or `{ kind, ref }` where it may be of several kinds, or secrets anywhere in it. */
function mapReference(value: unknown, { to, rewrite, path }: Walk): unknown {
  if (typeof value === 'string') return rewrite({ kind: to, ref: value, path })
  if (to === 'secret')
    return mapSecretRefs(value, (ref, at) => ({ secretRef: rewrite({ kind: to, ref, path: `${path}.${at}` }) }))
  if (!isJsonObject(value) || typeof value['ref'] !== 'string') return value
  const kind = subjectKinds.find((one) => one === value['kind'])
  return kind === undefined ? value : { ...value, ref: rewrite({ kind, ref: value['ref'], path: `${path}.ref` }) }
}

const subjectKinds = ['user', 'team', 'token'] as const

function mapBindings<Spec extends object>(spec: Spec, rewrite: Rewrite): Spec {
  if (!('bindings' in spec) || !isBindings(spec.bindings)) return spec
  const bindings = spec.bindings.map((binding, index) => {
    const kind = kindOfBindingName(binding)
    if (kind === null || 'action' in binding || binding.name === undefined) return binding
    return { ...binding, name: rewrite({ kind, ref: binding.name, path: `bindings[${index}].name` }) }
  })
  return { ...spec, bindings }
}

/** A spec has passed its schema: its `bindings` are bindings. */
function isBindings(value: unknown): value is Binding[] {
  return Array.isArray(value)
}
