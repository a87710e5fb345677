/** The Server resource: an MCP server that stands behind the gateway. */
import { z } from 'zod'

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
])

const HeaderValue = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'must be a single line of printable characters')
/** What becomes a header later must already fit in one: a key file's last line break would otherwise fail each call. */
const HeaderSecret = HeaderValue.min(1)
const HeaderName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'is not a valid HTTP header name')

export const Credential = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('none') }),
    z.strictObject({ kind: z.literal('bearer'), token: HeaderSecret.describe('Sent as `Authorization: Bearer …`.') }),
    z.strictObject({
      kind: z.literal('api_key'),
      key: HeaderSecret.describe('The key itself.'),
      header: HeaderName.describe('The header that carries the key.').default('x-api-key'),
    }),
    z.strictObject({
      kind: z.literal('basic'),
      username: z
        .string()
        .min(1)
        .regex(/^[^:\p{Cc}]*$/u, 'must not contain a colon or a control character')
        .describe('RFC 7617: without a colon.'),
      password: z
        .string()
        .regex(/^\P{Cc}*$/u, 'must not contain a control character')
        .describe('The password of this user.'),
    }),
  ])
  .meta({ id: 'Credential', description: 'How the gateway authenticates to a server.' })
export type Credential = z.infer<typeof Credential>

const remote = {
  url: z.url().describe('The address of the MCP endpoint.'),
  credential: Credential.default({ kind: 'none' }),
  headers: z.record(HeaderName, HeaderValue).describe('Static headers, sent with every request.').default({}),
}

/** A program's arguments and variables end at the first NUL, and the system refuses to start it. */
const ProcessText = z.string().regex(/^[^\0]*$/, 'must not contain a NUL character')
const VariableName = z.string().regex(/^[^=\s\0]+$/, 'is not a valid name of an environment variable')

export const HttpTransport = z.strictObject({
  kind: z.literal('streamable_http'),
  ...remote,
  url: z.url({ protocol: /^https?$/ }).describe('The address of the MCP endpoint.'),
})
const SseTransport = z.strictObject({ kind: z.literal('sse'), ...remote, url: z.url({ protocol: /^https?$/ }) })
const WebSocketTransport = z.strictObject({
  kind: z.literal('websocket'),
  ...remote,
  url: z.url({ protocol: /^wss?$/ }),
})
export const StdioTransport = z.strictObject({
  kind: z.literal('stdio'),
  command: ProcessText.min(1).describe('The program. It is started without a shell.'),
  args: z.array(ProcessText).describe('Its arguments, one entry each.').default([]),
  env: z.record(VariableName, ProcessText).describe('Added to the few variables that every child gets.').default({}),
  cwd: ProcessText.min(1).describe('Working directory. Default: the gateway’s.').optional(),
})

export const Transport = z.discriminatedUnion('kind', [HttpTransport, SseTransport, WebSocketTransport, StdioTransport])
export type Transport = z.infer<typeof Transport>

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
