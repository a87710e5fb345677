/** The Agent resource: the definition of a non-human actor. */
import { z } from 'zod'
import { Description, Ref } from './resource.ts'
import { ToolName } from './toolset.ts'

export const Agent = z
  .strictObject({
    description: Description.optional(),
    organization: Ref.optional().describe('The organization it belongs to.'),
    model: z.string().max(200).optional().describe('For the harness.'),
    instructions: z.string().max(100_000).optional().describe('For the harness.'),
    harness: z.enum(['claude-agent-sdk', 'opencode', 'other']).default('other').describe('What runs it.'),
    servers: z
      .array(z.strictObject({ server: Ref, tools: z.array(ToolName).max(2_000).optional() }))
      .max(200)
      .default([])
      .describe(
        'What its sessions may reach; `tools` narrows a server to these, a server without it is offered whole.',
      ),
    toolset: Ref.optional().describe('Narrows all of its servers to these tools.'),
    policies: z
      .array(Ref)
      .max(100)
      .default([])
      .describe('What its sessions may call of what is attached. None: all of it.'),
  })
  .meta({ id: 'Agent', description: 'The definition of a non-human actor.' })
export type Agent = z.infer<typeof Agent>
