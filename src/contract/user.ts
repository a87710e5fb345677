/** The User resource: a human, or a service that acts under a name of its own. */
import { z } from 'zod'
import { Ref } from './resource.ts'

export const User = z
  .strictObject({
    type: z.enum(['human', 'service']).default('human').describe('A service has no password and cannot sign in.'),
    email: z.email().max(254).optional(),
    displayName: z.string().max(200).optional(),
    organization: Ref.optional().describe('The organization it belongs to.'),
    role: z
      .enum(['admin', 'viewer', 'member'])
      .default('member')
      .describe('admin manages everything; viewer sees everything; member has what role bindings give.'),
    policies: z
      .array(Ref)
      .max(100)
      .default([])
      .describe('What the user’s own tokens may call, where a token names none.'),
    isDisabled: z.boolean().default(false).describe('Cannot sign in, and none of its tokens is valid.'),
  })
  .meta({ id: 'User', description: 'A human, or a service that acts under its own name.' })
export type User = z.infer<typeof User>

/** What the store keeps besides: set by the gateway, never by a caller. The password's hash is kept elsewhere. */
export type UserState = {
  /** Unix milliseconds. Sign-ins from before it are over; without it nobody can sign in. */
  passwordSetAt?: number
}
