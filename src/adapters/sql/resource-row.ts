/** All that ties a resource to its rows. */
import type { Insertable, Selectable } from 'kysely'
import { GatewayError } from '#contract/errors.ts'
import { type ResourceKind, resourceKinds } from '#contract/resource.ts'
import { digestOf } from '#core/resources/apply-changes.ts'
import { referencesOf } from '#core/resources/references.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { sealingKeyOfResource } from '#core/resources/sealed-spec.ts'
import type { ResourceLabelTable, ResourceRefTable, ResourceTable } from './tables.ts'

export type ResourceRow = Selectable<ResourceTable>

export function toResourceRow(resource: Resource): Insertable<ResourceTable> {
  return {
    id: resource.id,
    kind: resource.kind,
    name: resource.name,
    labels: JSON.stringify(resource.labels),
    spec: JSON.stringify(resource.spec),
    version: resource.version,
    created_at: resource.createdAt,
    created_by: resource.createdBy,
    updated_at: resource.updatedAt,
    updated_by: resource.updatedBy,
    digest: digestOf(resource),
    sealed_by: sealingKeyOfResource(resource),
  }
}

export function toLabelRows({ id, labels }: Resource): Insertable<ResourceLabelTable>[] {
  return Object.entries(labels).map(([key, value]) => ({ resource_id: id, key, value }))
}

export function toRefRows(resource: Resource): Insertable<ResourceRefTable>[] {
  return referencesOf(resource).map(({ kind, id, path }) => ({ from_id: resource.id, path, to_kind: kind, to_id: id }))
}

/** Texts of one length as JSON: most resources have no labels. */
const noLabels = '{}'

export function toResource(row: ResourceRow): Resource {
  const { id, name, version } = row
  const resource = {
    kind: toKind(row.kind),
    id,
    name,
    labels: row.labels === noLabels ? {} : (JSON.parse(row.labels) as unknown),
    version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    createdBy: row.created_by,
    updatedBy: row.updated_by,
    spec: JSON.parse(row.spec) as unknown,
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `toResourceRow` writes these rows, and a schema for each of 100,000 would take seconds
  return resource as Resource
}

const known: ReadonlySet<string> = new Set(resourceKinds)

/** A kind of a newer version is a defect, not a resource of another kind. */
export function toKind(kind: string): ResourceKind {
  if (isKind(kind)) return kind
  throw new GatewayError('internal', { details: { reason: 'A stored resource has an unknown kind.' } })
}

function isKind(kind: string): kind is ResourceKind {
  return known.has(kind)
}
