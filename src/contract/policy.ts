/** The Policy resource: who may call which tool. */
import { z } from 'zod'

export const Level = z
  .enum(['deny', 'read', 'execute', 'admin'])
  .describe('deny < read (list) < execute (call) < admin.')
export type Level = z.infer<typeof Level>

export const PolicyRule = z
  .strictObject({
    server: z.string().min(1).default('*').describe('Server name; `*` and `?` are wildcards. Never an alias.'),
    tool: z.string().min(1).default('*').describe('Tool name as the server calls it; `*` and `?` are wildcards.'),
    level: Level,
  })
  .meta({ id: 'PolicyRule' })
export type PolicyRule = z.infer<typeof PolicyRule>

export const Policy = z
  .strictObject({
    name: z.string().min(1).max(100),
    description: z.string().max(2000).describe('For people; at most 2000 characters.').optional(),
    default: Level.default('deny').describe('The level where no rule matches.'),
    rules: z.array(PolicyRule).default([]).describe('Their order means nothing.'),
  })
  .meta({ id: 'Policy', description: 'Rules: any deny wins, else the most specific rule, else the default.' })
export type Policy = z.infer<typeof Policy>
