/** The Secret resource: a secret text, that definitions of servers name instead of holding it. */
import { z } from 'zod'
import { Description } from './resource.ts'

export const Secret = z
  .strictObject({
    description: Description.optional(),
    value: z
      .string()
      .min(1)
      .max(100_000)
      .regex(/^[^\0]*$/, 'must not contain a NUL character')
      .describe(
        'The text itself, at most 100,000 characters. It is written and never read: `[secret]` stands for it, and sent back means "as it was". Another one is used at once by every server that names the secret.',
      ),
  })
  .meta({ id: 'Secret', description: 'A secret text, named by servers as `{secretRef: name}`.' })
export type Secret = z.infer<typeof Secret>
