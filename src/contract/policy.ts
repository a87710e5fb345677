/** The Policy resource: who may call which tool. */
import { z } from 'zod'
import { ArgumentPath } from './argument-path.ts'

export const Level = z
  .enum(['deny', 'read', 'execute', 'admin'])
  .describe('deny < read (list) < execute (call) < admin.')
export type Level = z.infer<typeof Level>

/** Before the name of a label, in the place of a server's name. No server's name has a colon. */
export const labelPrefix = 'label:'

const ServerSelector = z
  .string()
  .min(1)
  .max(256)
  .refine(isSelector, 'must name one label after "label:", without * and ?')

/** A deny of labels that nobody has would deny nothing, so a pattern of labels is refused rather than taken as a label's name. */
function isSelector(text: string): boolean {
  return !text.startsWith(labelPrefix) || /^[^*?]+$/.test(text.slice(labelPrefix.length))
}

const Comparable = z.union([z.string().max(1_024), z.number(), z.boolean()])
const Comparables = z.array(Comparable).min(1).max(1_000)

const comparisons = {
  eq: Comparable.describe('Is this text, number or boolean.').optional(),
  ne: Comparable.describe('Is of this type, and another.').optional(),
  lt: z.number().describe('A number below it.').optional(),
  lte: z.number().describe('A number of at most it.').optional(),
  gt: z.number().describe('A number above it.').optional(),
  gte: z.number().describe('A number of at least it.').optional(),
  in: Comparables.describe('Is one of these.').optional(),
  notIn: Comparables.describe('Is of the type of one of these, and none of them.').optional(),
  matches: z.string().min(1).max(256).describe('A text of this pattern; `*` and `?` are wildcards.').optional(),
  exists: z.boolean().describe('Whether it is there.').optional(),
}

export const Condition = z
  .strictObject({ path: ArgumentPath, ...comparisons })
  .refine(
    (condition) => Object.entries(condition).some(([key, value]) => key !== 'path' && value !== undefined),
    `must compare: one of ${Object.keys(comparisons).join(', ')}`,
  )
  .meta({ id: 'Condition', description: 'What an argument of the call must be. Several comparisons: all of them.' })
export type Condition = z.infer<typeof Condition>

export const PolicyRule = z
  .strictObject({
    server: ServerSelector.default('*').describe(
      'Server name, never an alias; `*` and `?` are wildcards. `label:NAME`: every server with this label.',
    ),
    tool: z
      .string()
      .min(1)
      .max(1_024)
      .default('*')
      .describe('Tool name as the server calls it; `*` and `?` are wildcards.'),
    level: Level,
    allowedParams: z
      .array(z.string().max(256))
      .max(1_000)
      .describe(
        'The only arguments that a call may have. A call with others is not allowed by this rule, or, by a rule of level deny, denied.',
      )
      .optional(),
    conditions: z
      .array(Condition)
      .max(100)
      .describe(
        'The rule counts where all of them hold. What cannot be evaluated holds for a rule of level deny, and for no other.',
      )
      .optional(),
  })
  .meta({ id: 'PolicyRule' })
export type PolicyRule = z.infer<typeof PolicyRule>

export const Policy = z
  .strictObject({
    name: z.string().min(1).max(100),
    description: z.string().max(2000).describe('For people; at most 2000 characters.').optional(),
    default: Level.default('deny').describe('The level where no rule matches.'),
    rules: z.array(PolicyRule).max(10_000).default([]).describe('Their order means nothing.'),
  })
  .meta({ id: 'Policy', description: 'Rules: any deny wins, else the most specific rule, else the default.' })
export type Policy = z.infer<typeof Policy>
