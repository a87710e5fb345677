/** What the management API takes in a query. */
import { z } from 'zod'

const resourcesPerPageMax = 500

/** A name of a label and its value, `env=prod`, and more of them after commas. */
const LabelSelector = z
  .string()
  .max(2_000)
  .regex(/^[^=,]+=[^=,]*(?:,[^=,]+=[^=,]*)*$/, 'must be like env=prod,tier=web')

export const ListQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(resourcesPerPageMax).default(100).describe('Resources on one page.'),
  cursor: z.string().max(512).optional().describe('The `next` of the page before.'),
  labels: LabelSelector.optional().describe('Only those with all of these labels.'),
  references: z
    .string()
    .max(200)
    .regex(/^[a-z_]+:[\x21-\x7e]+$/, 'must be like project:web')
    .optional()
    .describe('Only those that name this resource, such as `user:ann` for her tokens.'),
})
export type ListQuery = z.infer<typeof ListQuery>

export const ExplainQuery = z.strictObject({
  token: z.string().min(1).max(128).optional().describe('Name or id of the token. Default: your own.'),
  server: z.string().min(1).max(128).describe('Name or id of the server.'),
  tool: z.string().min(1).max(256).optional().describe('Its own name at its server. Default: what is no tool.'),
})

const AuditText = z.string().min(1).max(512)
const AuditTime = z.coerce.number().int().min(0)

export const AuditQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1_000).default(100).describe('Events on one page.'),
  before: z.coerce.number().int().min(0).optional().describe('The `next` of the page before.'),
  kind: z
    .enum(['call', 'session_end', 'refusal', 'auth_failure', 'config_change', 'resource_change'])
    .optional()
    .describe('What was recorded.'),
  tokenId: AuditText.optional(),
  tokenName: AuditText.optional(),
  server: AuditText.optional(),
  target: AuditText.optional().describe('The tool’s own name; of a change the resource’s.'),
  method: AuditText.optional(),
  effect: z.enum(['allow', 'deny']).optional(),
  outcome: AuditText.optional().describe('`ok`, or a code of the error catalogue.'),
  requestId: AuditText.optional(),
  since: AuditTime.optional().describe('Unix time in milliseconds: at or after.'),
  until: AuditTime.optional().describe('Before.'),
})
export type AuditQuery = z.infer<typeof AuditQuery>
