import type { ManagedKind, ResourceKind } from '#contract/resource.ts'
import { idPrefixes } from '#core/resources/resource-ids.ts'
import type { Resource, SpecOf } from '#core/resources/resource-store.ts'
import type { Actor } from './actor.ts'
import type { ControlDeps } from './control-deps.ts'

/** What a body says of a resource as a whole. A server's `labels` are part of its spec. */
type Named = { name: string; labels: Readonly<Record<string, string>> | readonly string[] }

type New<Kind extends ResourceKind> = { kind: Kind; body: Named; spec: SpecOf[Kind] }

export function newResource<Kind extends ManagedKind>(
  deps: ControlDeps,
  actor: Actor,
  what: New<Kind>,
): Resource<ManagedKind>
export function newResource<Kind extends ResourceKind>(deps: ControlDeps, actor: Actor, what: New<Kind>): Resource
export function newResource<Kind extends ResourceKind>(
  { clock, newId }: ControlDeps,
  actor: Actor,
  { kind, body, spec }: New<Kind>,
): Resource {
  const at = clock.now()
  const who = { createdAt: at, updatedAt: at, createdBy: actor.id, updatedBy: actor.id }
  const meta = { id: newId(idPrefixes[kind]), name: body.name, labels: labelsOf(body), version: 1, ...who }
  return widen<Kind>({ ...meta, kind, spec })
}

/** The resource as it is to be; its version is still the one that was seen. */
export function updatedResource<Kind extends ManagedKind>(
  before: Resource<ManagedKind>,
  { kind, body, spec }: New<Kind>,
  { at, by }: { at: number; by: string },
): Resource<ManagedKind> {
  const { id, version, createdAt, createdBy } = before
  const meta = { id, version, createdAt, createdBy, updatedAt: at, updatedBy: by }
  return widenManaged<Kind>({ ...meta, name: body.name, labels: labelsOf(body), kind, spec })
}

/** Its version in the store, once it is written. */
export function afterUpdate(resource: Resource<ManagedKind>): Resource<ManagedKind> {
  return { ...resource, version: resource.version + 1 }
}

function labelsOf({ labels }: Named): Readonly<Record<string, string>> {
  return isGroups(labels) ? {} : labels
}

function isGroups(labels: Named['labels']): labels is readonly string[] {
  return Array.isArray(labels)
}

/** A resource of any one kind is a resource: the compiler does not see that while the kind is a parameter. */
function widen<Kind extends ResourceKind>(resource: Resource<Kind>): Resource
function widen(resource: Resource): Resource {
  return resource
}

function widenManaged<Kind extends ManagedKind>(resource: Resource<Kind>): Resource<ManagedKind>
function widenManaged(resource: Resource<ManagedKind>): Resource<ManagedKind> {
  return resource
}
