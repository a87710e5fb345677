/** The Token resource, kind `key`: an opaque bearer that is stored as its SHA-256. */
import { z } from 'zod'
import { Description, Ref } from './resource.ts'
import { Binding } from './role-binding.ts'
import { ToolName } from './toolset.ts'

export const TokenOwner = z
  .strictObject({ kind: z.enum(['user', 'team']), ref: Ref })
  .describe('Whose it is: it never has more rights than its owner has at the moment of use.')

/** What is asked for when a token is made. The bearer itself is never part of it. */
export const Token = z
  .strictObject({
    description: Description.optional(),
    owner: TokenOwner,
    project: Ref.optional().describe('Bound to this project: it reaches nothing else.'),
    policies: z
      .array(Ref)
      .max(100)
      .default([])
      .describe('Its grant, of what its owner may call. None: its owner’s, else its team’s, else its organization’s.'),
    endpoints: z
      .array(z.string().regex(/^\/[\x21-\x7e]{0,255}$/, 'must be a path such as /mcp or /github/mcp'))
      .max(100)
      .optional()
      .describe('The only addresses it may use. Default: any.'),
    servers: z
      .array(Ref)
      .max(1_000)
      .optional()
      .describe('The only servers it may reach. Default: any that its grant allows.'),
    accessGroups: z
      .array(z.string().min(1).max(63))
      .max(100)
      .optional()
      .describe('Servers with one of these labels, besides `servers`.'),
    toolsets: z.array(Ref).max(100).optional().describe('The tools of these, besides `servers`.'),
    tools: z
      .array(z.strictObject({ server: Ref, tool: ToolName }))
      .max(2_000)
      .optional()
      .describe('These tools, besides `servers`.'),
    bindings: z.array(Binding).max(200).default([]).describe('What it may manage, of what its owner may.'),
    limits: z
      .strictObject({
        callsPerMinuteMax: z.int().min(1).max(1_000_000).optional(),
        callsUnderWayMax: z.int().min(1).max(100_000).optional(),
      })
      .default({}),
    expiresAt: z.int().min(0).nullable().default(null).describe('Unix time in milliseconds; null: never.'),
  })
  .meta({ id: 'Token', description: 'A bearer. Shown once, stored as its SHA-256.' })
export type Token = z.infer<typeof Token>

/** What the store keeps besides: set by the gateway, never by a caller. */
export type TokenState = {
  /** Lower-case hex SHA-256 of the whole bearer. */
  digest: string
  /** The first characters of the bearer, for people who look for it. */
  prefix: string
  /** Unix milliseconds. A revoked token stays as a row; a deleted one does not. */
  revokedAt: number | null
  /** The token that takes its place; until then both are valid. */
  replacedBy: string | null
}
