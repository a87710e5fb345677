/** The RoleBinding resource: who may manage what. */
import { z } from 'zod'
import { Description, Ref } from './resource.ts'

/** `edit` is view and update; `create`, `delete` and `run` (use, as opposed to manage) are spelled out, and imply nothing else. */
export const Role = z.enum(['view', 'create', 'edit', 'delete', 'run'])
export type Role = z.infer<typeof Role>

/** Operations that are no change of one resource. */
export const RunAction = z.enum(['audit', 'explain', 'logs', 'backup', 'impersonate', 'migrate-secrets'])
export type RunAction = z.infer<typeof RunAction>

/** Kinds in the plural, as in addresses; `*` is every one of them. */
export const ManagedResource = z.enum([
  '*',
  'organizations',
  'teams',
  'users',
  'policies',
  'servers',
  'toolsets',
  'projects',
  'agents',
  'sessions',
  'tokens',
  'role-bindings',
  'secrets',
])
export type ManagedResource = z.infer<typeof ManagedResource>

export const Binding = z.union([
  z.strictObject({
    role: Role,
    resource: ManagedResource,
    name: Ref.optional().describe('Narrows it to the one resource of this name.'),
  }),
  z.strictObject({ role: z.literal('run'), action: RunAction }),
])
export type Binding = z.infer<typeof Binding>

export const Subject = z.strictObject({ kind: z.enum(['user', 'team', 'token']), ref: Ref })
export type Subject = z.infer<typeof Subject>

export const RoleBinding = z
  .strictObject({
    description: Description.optional(),
    subjects: z.array(Subject).max(1_000).describe('None, as where the last one was deleted: nobody has them.'),
    bindings: z.array(Binding).min(1).max(200),
  })
  .meta({ id: 'RoleBinding', description: 'Who may manage what. Bindings add up; there is no deny.' })
export type RoleBinding = z.infer<typeof RoleBinding>
