/** What every stored resource has in common: identity, version, and who changed it. */
import { z } from 'zod'

/** What people make, read and change. Also the path segment of its collection, in the plural, under `/api/v1`. */
export const managedKinds = [
  'organization',
  'team',
  'user',
  'policy',
  'server',
  'toolset',
  'project',
  'agent',
  'token',
  'role_binding',
  'secret',
] as const
export const ManagedKind = z.enum(managedKinds)
export type ManagedKind = z.infer<typeof ManagedKind>

/** Kept in the same store, and the gateway's own: no binding is about them, and no operation makes, shows or names one. */
const internalKinds = ['credential'] as const

export const resourceKinds = [...managedKinds, ...internalKinds] as const
export type ResourceKind = (typeof resourceKinds)[number]

/** ASCII only, so that no two names look alike. Lower case, so that no two differ by case alone. */
export const ResourceName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._@+-]{0,99}$/,
    'use a-z, 0-9 and ._@+-, starting with a letter or digit, at most 100 characters',
  )

/** An id, or a name: people write names, the store keeps ids, so that a name given to another resource later grants nothing. */
export const Ref = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[\x21-\x7e]+$/, 'must be the name or the id of a resource')
export type Ref = z.infer<typeof Ref>

export const Description = z.string().max(2_000).describe('For people; at most 2000 characters.')

const LabelText = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9._/-]{0,62}$/, 'use letters, digits and ._/-, at most 63 characters')
/** For filters; they grant nothing. */
export const Labels = z
  .record(LabelText, z.union([LabelText, z.literal('')]))
  .refine((labels) => Object.keys(labels).length <= 32, 'at most 32 labels')

/** What the store knows of a resource beside what its kind says. Times are Unix milliseconds. */
export type ResourceMeta = {
  kind: ResourceKind
  id: string
  name: string
  labels: Readonly<Record<string, string>>
  /** Rises by one with each change; a writer names the one it has seen. */
  version: number
  createdAt: number
  updatedAt: number
  /** Principal ids. */
  createdBy: string
  updatedBy: string
}
