/** Which resources are sealed at rest, and what is stored of them: instead of the spec, an object with one text. */
import type { ResourceKind } from '#contract/resource.ts'
import { isJsonObject } from '#core/protocol/json-rpc.ts'
import { sealingKeyOf } from '#core/vault/sealed-form.ts'
import { referencesOf } from './references.ts'
import type { Resource } from './resource-store.ts'

/** Kinds whose whole spec is secret. */
export const sealedKinds: readonly ResourceKind[] = ['server', 'secret', 'credential']

export function isSealedKind(kind: ResourceKind): boolean {
  return sealedKinds.includes(kind)
}

/** What is sealed is sealed for its resource alone. */
export function sealedSpecContext(kind: ResourceKind, id: string): string {
  return `${kind} ${id}`
}

/** What it names stays to be seen, so that a store can find who names what: these are ids. */
export function toSealedSpec(resource: Pick<Resource, 'kind' | 'spec'>, sealed: string): object {
  const references = referencesOf(resource)
  return { sealed, ...(references.length > 0 && { references }) }
}

/** Null where it is not sealed. */
export function sealedTextOf({ kind, spec }: { kind: ResourceKind; spec: unknown }): string | null {
  if (!isSealedKind(kind) || !isJsonObject(spec)) return null
  const { sealed } = spec
  return typeof sealed === 'string' ? sealed : null
}

/** The data key that a stored resource is sealed under; null where it is under none. */
export function sealingKeyOfResource(resource: Resource): string | null {
  const text = sealedTextOf(resource)
  return text === null ? null : sealingKeyOf(text)
}
