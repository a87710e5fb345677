/** The Toolset resource: a named list of tools, possibly of several servers. */
import { z } from 'zod'
import { Description, Ref } from './resource.ts'

/** A tool's own name at its server; MCP puts no limit on its characters. */
export const ToolName = z.string().min(1).max(256)

export const Toolset = z
  .strictObject({
    description: Description.optional(),
    tools: z
      .array(z.strictObject({ server: Ref, tool: ToolName }))
      .max(2_000)
      .default([])
      .describe('Each tool under its server’s own name for it.'),
  })
  .meta({ id: 'Toolset', description: 'A named list of tools.' })
export type Toolset = z.infer<typeof Toolset>
