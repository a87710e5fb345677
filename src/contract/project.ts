/** The Project resource: an endpoint of its own, `/projects/{name}/mcp`, and a bound for tokens. */
import { z } from 'zod'
import { Description, Ref } from './resource.ts'

export const Project = z
  .strictObject({
    description: Description.optional(),
    organization: Ref.optional().describe('The organization it belongs to.'),
    servers: z.array(Ref).max(1_000).default([]).describe('Servers that it offers whole.'),
    toolsets: z.array(Ref).max(100).default([]).describe('Toolsets that it offers.'),
  })
  .meta({ id: 'Project', description: 'An endpoint: servers and toolsets, and the tokens that are bound to it.' })
export type Project = z.infer<typeof Project>
