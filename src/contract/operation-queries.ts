/** What the management API takes in a query. */
import { z } from 'zod'
import { auditKinds, principalKinds } from './audit.ts'

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
  server: z.string().min(1).max(128).describe('Name, id or alias of the server.'),
  tool: z.string().min(1).max(256).optional().describe('Its own name at its server. Default: what is no tool.'),
  args: z
    .string()
    .max(8_192)
    .optional()
    .describe('Of a call, as JSON: `{"amount":5}`. Without them it is answered for as far as that can be said.'),
})

/** No event has a NUL that every database keeps: who asks for one has not meant it. */
const AuditText = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[^\0]*$/, 'must not contain a NUL character')
const AuditTime = z.coerce.number().int().min(0)

/** Parts of an event that are texts: each must be equal to what is given. */
const auditParts = {
  kind: z.enum(auditKinds).optional().describe('What was recorded.'),
  principalKind: z.enum(principalKinds).optional().describe('In whose name.'),
  principalId: AuditText.optional(),
  principalName: AuditText.optional(),
  tokenId: AuditText.optional(),
  tokenName: AuditText.optional(),
  tokenHash: AuditText.optional().describe('The first 12 digits of the token’s SHA-256.'),
  sessionId: AuditText.optional().describe('Of an agent’s session.'),
  credential: AuditText.optional().describe(
    'What the server was asked with: the kind and, where it is an owner’s own, the owner’s id.',
  ),
  changedBy: AuditText.optional().describe('For whom it was changed, as the actor said.'),
  requestId: AuditText.optional(),
  project: AuditText.optional().describe('At whose address.'),
  toolset: AuditText.optional().describe('At whose address.'),
  endpoint: AuditText.optional(),
  method: AuditText.optional(),
  server: AuditText.optional(),
  target: AuditText.optional().describe('The tool’s own name; of a change the resource’s.'),
  targetId: AuditText.optional().describe('Of what was changed.'),
  calledAs: AuditText.optional().describe('What the caller said, where that is not the tool’s own name.'),
  effect: z.enum(['allow', 'deny']).optional(),
  reason: AuditText.optional().describe('The whole text, such as `rule 0 of policy team`.'),
  outcome: AuditText.optional().describe('`ok`, or a code of the error catalogue.'),
  argumentsDigest: AuditText.optional(),
}

export const AuditQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1_000).default(100).describe('Events on one page.'),
  before: z.coerce.number().int().min(0).optional().describe('The `next` of the page before.'),
  ...auditParts,
  since: AuditTime.optional().describe('Unix time in milliseconds: at or after.'),
  until: AuditTime.optional().describe('Before.'),
})
export type AuditQuery = z.infer<typeof AuditQuery>
