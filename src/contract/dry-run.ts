/** The body of a dry run: what would be if a policy were another. */
import { z } from 'zod'
import { Policy } from './policy.ts'
import { Ref, ResourceName } from './resource.ts'

export const DryRun = z
  .strictObject({
    policy: Policy.safeExtend({ name: ResourceName }).describe(
      'As it would be. One of this name that exists is replaced wherever it is attached.',
    ),
    attachTo: z
      .strictObject({ kind: z.enum(['token', 'user', 'team', 'organization']), ref: Ref })
      .optional()
      .describe('To whom it would be attached besides.'),
    days: z.int().min(1).max(90).default(7).describe('How far back recorded calls are looked at.'),
  })
  .meta({ id: 'DryRun', description: 'A policy that is not in force, and the calls that it is tried on.' })
export type DryRun = z.infer<typeof DryRun>
