/** The Team resource: people and tokens that share grants and limits. */
import { z } from 'zod'
import { Description, Ref } from './resource.ts'

export const Team = z
  .strictObject({
    description: Description.optional(),
    organization: Ref.optional().describe('The organization it belongs to.'),
    members: z
      .array(z.strictObject({ user: Ref, role: z.enum(['admin', 'member']).default('member') }))
      .max(10_000)
      .default([])
      .describe('Each user once. A team’s admin may manage its members and tokens.'),
    policies: z
      .array(Ref)
      .max(100)
      .default([])
      .describe('The grant of tokens that have none of their own; their denies always apply.'),
  })
  .meta({ id: 'Team', description: 'People and tokens that share grants and limits.' })
export type Team = z.infer<typeof Team>
