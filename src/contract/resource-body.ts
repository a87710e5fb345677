/** What people send to make or replace a resource: its name, its labels, and what its kind says, side by side. */
import { z } from 'zod'
import { Agent } from './agent.ts'
import { Organization } from './organization.ts'
import { parseBody } from './parse-body.ts'
import { Policy } from './policy.ts'
import { Project } from './project.ts'
import { Labels, type ManagedKind, ResourceName } from './resource.ts'
import { RoleBinding } from './role-binding.ts'
import { Secret } from './secret.ts'
import { Isolation, Server } from './server.ts'
import { Team } from './team.ts'
import { Token, TokenOwner } from './token.ts'
import { Toolset } from './toolset.ts'
import { User } from './user.ts'

const common = {
  name: ResourceName.describe('Unique among all of its kind. Ids stay what they are when it changes.'),
  labels: Labels.default({}).describe('For filters; they grant nothing.'),
}

/** One schema a kind. A server's `labels` are its access groups, as in the configuration document. */
export const resourceBodies = {
  organization: Organization.safeExtend(common),
  team: Team.safeExtend(common),
  user: User.safeExtend(common),
  policy: Policy.safeExtend(common),
  server: Server.extend({ isolation: Isolation.optional() }),
  toolset: Toolset.safeExtend(common),
  project: Project.safeExtend(common),
  agent: Agent.safeExtend(common),
  token: Token.safeExtend(common),
  role_binding: RoleBinding.safeExtend(common),
  secret: Secret.safeExtend(common),
} as const satisfies Record<ManagedKind, z.ZodObject>

export type ResourceBody<Kind extends ManagedKind> = z.infer<(typeof resourceBodies)[Kind]>

const schemas: { [Kind in ManagedKind]: z.ZodType<ResourceBody<Kind>> } = resourceBodies

/** @throws GatewayError `invalid_body` */
export function parseResourceBody<Kind extends ManagedKind>(kind: Kind, body: unknown): ResourceBody<Kind> {
  return parseBody(schemas[kind], body)
}

/** When a token ends, as people write it. */
const Expires = z
  .string()
  .max(64)
  .describe('`30d` (also m, h, w, y), `never`, or an ISO 8601 date. Instead of `expiresAt`; neither: never.')

/** What is sent to make a token. */
export const MintToken = Token.omit({ expiresAt: true })
  .extend({
    ...common,
    owner: TokenOwner.optional().describe('Whose it is. Default: the user who makes it.'),
    expires: Expires.optional(),
    expiresAt: Token.shape.expiresAt.unwrap().optional().describe('Unix time in milliseconds; null: never.'),
    rights: z
      .enum(['empty', 'clone'])
      .default('empty')
      .describe(
        'What it may manage besides `bindings`: nothing, or all that its maker may at this moment. Later rights are not added.',
      ),
  })
  .meta({ id: 'MintToken', description: 'A token to be made.' })
export type MintToken = z.infer<typeof MintToken>

const dayMs = 86_400_000

/** What is sent to give a token a new secret. */
export const RotateToken = z
  .strictObject({
    overlapMs: z
      .int()
      .min(0)
      .max(7 * dayMs)
      .default(dayMs)
      .describe('How long the old secret stays valid beside the new one; at most 7 days.'),
    expires: Expires.optional().describe('When the new secret ends. Default: after as long a life as the old one had.'),
  })
  .meta({ id: 'RotateToken', description: 'How a token changes its secret.' })
export type RotateToken = z.infer<typeof RotateToken>

/** NIST SP 800-63B: long rather than odd. The upper bound keeps hashing cheap. */
export const PasswordText = z.string().min(12).max(256).describe('12 to 256 characters.')

export const SetPassword = z
  .strictObject({
    password: PasswordText,
    current: z.string().max(256).optional().describe('The password until now: of whoever changes its own.'),
  })
  .meta({ id: 'SetPassword', description: 'A new password of a user.' })
export type SetPassword = z.infer<typeof SetPassword>
