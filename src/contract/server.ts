/** The Server resource: an MCP server that stands behind the gateway. */
import { z } from 'zod'
import type { Resolved } from './secret-text.ts'
import { Transport } from './transport.ts'

/** A server's name is its slug in addresses and its prefix in tool names, so it may not contain the separator `__`. */
export const ServerName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, 'use a-z, 0-9, _ and -, starting with a letter or digit, at most 40 characters')
  .refine((name) => !name.includes('__'), 'must not contain "__", which separates server and tool')
  .refine((name) => !reservedNames.has(name), 'is a reserved word')

/** First path segments, and names below `/mcp/`, that mean something else. */
const reservedNames = new Set([
  'mcp',
  'sse',
  'ws',
  'messages',
  'toolset',
  'projects',
  'sessions',
  'api',
  'v1',
  'ui',
  'oauth',
  'health',
  'metrics',
  'mcp-rest',
  'connect',
])

export const Isolation = z
  .enum(['session', 'principal', 'shared'])
  .describe('Who may share one upstream session: nobody, one principal, everybody. Default: principal; stdio: shared.')
export type Isolation = z.infer<typeof Isolation>

export const Server = z
  .strictObject({
    name: ServerName,
    description: z.string().max(2000).describe('For people; at most 2000 characters.').optional(),
    transport: Transport,
    aliases: z.array(ServerName).max(100).default([]).describe('Extra names. A real name always wins over an alias.'),
    labels: z
      .array(z.string().min(1).max(250))
      .max(100)
      .default([])
      .describe('Access groups: an endpoint or a policy can name them.'),
    isForEveryone: z
      .boolean()
      .default(false)
      .describe(
        'Every caller may call it, unless a rule denies it. The bounds of a token, project, toolset or agent still hold.',
      ),
    visibility: z
      .enum(['public', 'internal'])
      .default('public')
      .describe('internal: there only for clients whose address is internal.'),
    isEnabled: z
      .boolean()
      .default(true)
      .describe('A server that is not enabled is listed nowhere and cannot be called.'),
    isolation: Isolation,
    timeoutMs: z.int().min(100).max(3_600_000).default(60_000).describe('How long a call may be silent.'),
    timeoutTotalMs: z.int().min(100).max(86_400_000).default(600_000).describe('How long a call may take in all.'),
    idleStopMs: z
      .int()
      .min(0)
      .max(2_147_483_647)
      .default(600_000)
      .describe('An unused session or child ends after this long; 0: never.'),
    listTtlMs: z.int().min(0).max(86_400_000).default(300_000).describe('How long a tool list is believed.'),
    protocol: z.enum(['auto', 'legacy', 'modern']).default('auto').describe('The MCP era; auto asks the server.'),
  })
  .meta({ id: 'Server', description: 'An MCP server that stands behind the gateway.' })
export type Server = z.infer<typeof Server>

/** With a text in place of every secret that it names. */
export type ResolvedServer = Resolved<Server>
/** The only form that the engine sees. `id`: of the resource; another server may have its name later. */
export type ServedServer = ResolvedServer & { id: string }
