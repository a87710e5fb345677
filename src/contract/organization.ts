/** The Organization resource: the outermost tenant. Its denies bind everybody in it. */
import { z } from 'zod'
import { Description, Ref } from './resource.ts'

export const Organization = z
  .strictObject({
    description: Description.optional(),
    policies: z
      .array(Ref)
      .max(100)
      .default([])
      .describe('The grant of tokens that have none of their own or their team; their denies always apply.'),
  })
  .meta({ id: 'Organization', description: 'The outermost tenant.' })
export type Organization = z.infer<typeof Organization>
