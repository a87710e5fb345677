/** What a run of a session begins with. Create, restart and recovery all come here, so that none of them can forget the servers. */
import type {
  HarnessMcpServerSpec,
  HarnessSession,
  SessionEvent,
  SessionWarning,
  StartedSession,
} from '#contract/session.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { resolveAttachments, type Attachments } from '#core/session/attachments.ts'
import { toHarnessConfig } from '#core/session/harness-config.ts'
import type { StoredSession } from '#core/session/session-store.ts'
import { brokerScope, mintSessionToken, type TokenGrant } from '#core/session/session-token.ts'
import type { SessionDeps } from './session-deps.ts'

export type Run = Omit<StartedSession, 'session'>

type Start = { session: StoredSession; agent: Resource<'agent'>; prompt: string | undefined }

/** Servers that cannot be had cost a warning each, and never the session. */
export function startRun(deps: SessionDeps, { session, agent, prompt }: Start): Run {
  const now = deps.clock.now()
  const { servers, warnings } = reachableServers(deps, agent)
  const told = warnings.map((warning): SessionEvent => ({ at: now, kind: 'warning', ...warning, by: 'system' }))
  const start = { session, agent, prompt }
  if (servers.length === 0) return toRun(start, { specs: [], refreshToken: null, warnings: told })
  const grant: TokenGrant = {
    agentId: agent.id,
    sessionId: session.id,
    run: session.run,
    servers: servers.map(({ id }) => id),
    scope: [brokerScope],
    endsAt: session.expiresAt,
  }
  const mint = { keys: deps.keys, now }
  const { text } = mintSessionToken('mcp-session', grant, mint)
  const specs = servers.map(({ name }) => toSpec(brokerUrl(deps.baseUrl() ?? '', session.id, name), name, text))
  return toRun(start, { specs, refreshToken: mintSessionToken('refresh', grant, mint).text, warnings: told })
}

type Warned = { warning: SessionWarning; subject?: string }
type Reachable = { servers: Attachments['servers']; warnings: readonly Warned[] }

function reachableServers(deps: SessionDeps, agent: Resource<'agent'>): Reachable {
  if (agent.spec.servers.length === 0) return { servers: [], warnings: [] }
  if (deps.baseUrl() === null) return { servers: [], warnings: [{ warning: 'address_unknown' }] }
  if (!deps.isCurrent()) return { servers: [], warnings: [{ warning: 'servers_unavailable' }] }
  return resolveAttachments(deps.index, agent)
}

function brokerUrl(base: string, sessionId: string, server: string): string {
  return `${base}/sessions/${encodeURIComponent(sessionId)}/mcp/${encodeURIComponent(server)}`
}

/** The transport is always said: harnesses take the older one where it is not. */
function toSpec(url: string, name: string, token: string): HarnessMcpServerSpec {
  return { name, url, transport: 'http', auth_token: token }
}

type Made = { specs: HarnessMcpServerSpec[]; refreshToken: string | null; warnings: SessionEvent[] }

function toRun({ session, agent, prompt }: Start, { specs, refreshToken, warnings }: Made): Run {
  const { model, instructions, harness } = agent.spec
  const body: HarnessSession = {
    agent_id: agent.id,
    platform_session_id: session.id,
    ...(session.title === null ? {} : { title: session.title }),
    ...(prompt === undefined ? {} : { prompt }),
    ...(model === undefined ? {} : { model }),
    ...(instructions === undefined ? {} : { instructions }),
    mcp_servers: specs,
  }
  return { harness: body, config: toHarnessConfig(harness, { id: session.id, specs }), refreshToken, warnings }
}
