/** The Session: one run of an agent, with a lifecycle. It owns an address of its own for each server that the agent may reach. */
import { z } from 'zod'
import { Ref } from './resource.ts'

export const SessionStatus = z
  .enum(['creating', 'ready', 'failed', 'dead'])
  .describe(
    'creating: its harness starts; ready: it runs; failed: it did not start; dead: it was ended, or its time is over.',
  )
export type SessionStatus = z.infer<typeof SessionStatus>

export const SessionId = z.string().regex(/^ses_[A-Za-z0-9_-]{20}$/, 'must be the id of a session')

const DetailName = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9._/-]{0,62}$/, 'use letters, digits and ._/-, at most 63 characters')
/** What the platform wants to find again: the id that its harness gave, a task, a link. Nothing is done with it. */
const SessionDetails = z
  .record(DetailName, z.string().max(500))
  .refine((details) => Object.keys(details).length <= 32, 'at most 32 entries')
  .describe('For whoever started it: at most 32 texts. No secrets: everybody who may view the session sees them.')

/** Unix milliseconds; null: not yet, or never. */
const Time = z.int().min(0)

export const Session = z
  .strictObject({
    id: SessionId,
    agentId: Ref.describe('The agent that it is a run of.'),
    agentName: z.string().describe('What the agent is called now; empty where it is gone.'),
    status: SessionStatus,
    run: z.int().min(1).describe('Rises with each restart and recovery. Tokens of an earlier run are refused.'),
    title: z.string().optional(),
    details: SessionDetails,
    failureReason: z.string().nullable().describe('Why it failed, in the words of whoever said so.'),
    createdAt: Time.describe('Unix time in milliseconds, as all times here.'),
    createdBy: z.string().describe('The id of who started it.'),
    readyAt: Time.nullable(),
    expiresAt: Time.describe('Its life ends then, whatever it does.'),
    endedAt: Time.nullable(),
  })
  .meta({ id: 'Session', description: 'One run of an agent.' })
export type Session = z.infer<typeof Session>

const sessionEventKinds = [
  'created',
  'ready',
  'restarted',
  'recovered',
  'failed',
  'ended',
  'expired',
  'warning',
] as const

/** What a session was handed less than its agent names, and why. */
export const SessionWarning = z.enum([
  'unknown_server',
  'server_not_enabled',
  'server_ambiguous',
  'server_without_tools',
  'unknown_toolset',
  'address_unknown',
  'servers_unavailable',
])
export type SessionWarning = z.infer<typeof SessionWarning>

export const SessionEvent = z
  .strictObject({
    at: Time,
    kind: z.enum(sessionEventKinds),
    warning: SessionWarning.optional().describe('Of a warning: which.'),
    subject: z.string().optional().describe('What it is about: the id of a server, as the agent names it.'),
    by: z.string().describe('The id of who brought it about; `system` for the gateway itself.'),
  })
  .meta({ id: 'SessionEvent', description: 'Something that happened to a session.' })
export type SessionEvent = z.infer<typeof SessionEvent>

const minuteMs = 60_000
const dayMs = 86_400_000

/** What is sent to start a session. */
export const CreateSession = z
  .strictObject({
    agent: Ref.describe('The name or the id of the agent.'),
    title: z.string().min(1).max(200).optional().describe('For people, and for the harness.'),
    prompt: z.string().max(100_000).optional().describe('Passed on to the harness and kept nowhere.'),
    details: SessionDetails.default({}),
    lifetimeMs: z
      .int()
      .min(minuteMs)
      .max(30 * dayMs)
      .default(dayMs)
      .describe('How long the session may live; default: 24 hours. A token of it never lives longer than 24 hours.'),
  })
  .meta({ id: 'CreateSession', description: 'A session to be started.' })
export type CreateSession = z.infer<typeof CreateSession>

/** What is sent to restart or to recover a session. */
export const RenewSession = z
  .strictObject({
    prompt: CreateSession.shape.prompt,
    lifetimeMs: CreateSession.shape.lifetimeMs
      .unwrap()
      .optional()
      .describe('Of a restart: from now. Default: 24 hours.'),
  })
  .meta({ id: 'RenewSession', description: 'How a session goes on.' })
export type RenewSession = z.infer<typeof RenewSession>

/** What a platform says of the harness that it started. */
export const ReportSession = z
  .discriminatedUnion('status', [
    z.strictObject({ status: z.literal('ready') }),
    z.strictObject({ status: z.literal('failed'), reason: z.string().min(1).max(500) }),
  ])
  .meta({ id: 'ReportSession', description: 'That the harness runs, or why it does not.' })
export type ReportSession = z.infer<typeof ReportSession>

export const ListSessions = z
  .strictObject({
    agent: Ref.optional().describe('Only those of this agent.'),
    status: SessionStatus.optional(),
    limit: z.coerce.number().int().min(1).max(1_000).default(100),
    after: SessionId.optional().describe('The id after which the page begins. The newest come first.'),
  })
  .meta({ id: 'ListSessions', description: 'Which sessions to list.' })
export type ListSessions = z.infer<typeof ListSessions>

/** One server as a harness is told of it, in the words of the harness's own interface. */
export const HarnessMcpServerSpec = z
  .strictObject({
    name: z.string().describe('The key in the harness’s map of MCP servers.'),
    url: z.string().describe('The address of this server for this session.'),
    transport: z.literal('http'),
    auth_token: z.string().optional().describe('The bearer for this address. One token for all servers of a session.'),
  })
  .meta({ id: 'HarnessMcpServerSpec', description: 'An MCP server, as a harness is told of it.' })
export type HarnessMcpServerSpec = z.infer<typeof HarnessMcpServerSpec>

/** The body with which a platform starts its harness. */
export const HarnessSession = z
  .strictObject({
    agent_id: z.string(),
    platform_session_id: SessionId,
    title: z.string().optional(),
    prompt: z.string().optional(),
    model: z.string().optional(),
    instructions: z.string().optional(),
    mcp_servers: z.array(HarnessMcpServerSpec),
  })
  .meta({ id: 'HarnessSession', description: 'What a harness needs to run the session.' })
export type HarnessSession = z.infer<typeof HarnessSession>

/** The answer to create, restart and recover: the only ones that hold tokens, and each of them new ones. */
export const StartedSession = z
  .strictObject({
    session: Session,
    harness: HarnessSession,
    config: z
      .record(z.string(), z.json())
      .nullable()
      .describe('The servers in the form that the agent’s harness reads; null where it is none that is known here.'),
    refreshToken: z
      .string()
      .nullable()
      .describe('For a platform that fetches short-lived tokens itself; null where there is no server to reach.'),
    warnings: z.array(SessionEvent),
  })
  .meta({ id: 'StartedSession', description: 'A session, and what its harness needs.' })
export type StartedSession = z.infer<typeof StartedSession>

export const RefreshToken = z
  .strictObject({ refresh_token: z.string().min(1).max(20_000) })
  .meta({ id: 'RefreshToken', description: 'A refresh token of a session.' })
export type RefreshToken = z.infer<typeof RefreshToken>

/** RFC 6749, 5.1. */
export const RefreshedToken = z
  .strictObject({ access_token: z.string(), expires_in: z.int().describe('Seconds.'), token_type: z.literal('Bearer') })
  .meta({ id: 'RefreshedToken', description: 'A short-lived access token.' })
export type RefreshedToken = z.infer<typeof RefreshedToken>
