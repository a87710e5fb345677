/** A session's servers as its harness reads them. */
import type { HarnessMcpServerSpec } from '#contract/session.ts'
import type { Agent } from '#contract/agent.ts'

type Harness = Agent['harness']

type Config = {
  'claude-agent-sdk': { mcpServers: Record<string, ClaudeServer> }
  opencode: { mcp: Record<string, OpencodeServer> }
}

type ClaudeServer = { type: 'http'; url: string; headers?: { Authorization: string } }
type OpencodeServer = { type: 'local'; command: string[]; enabled: true }

/** @returns null for a harness whose configuration is not known here: it has the specs */
export function toHarnessConfig(
  harness: Harness,
  session: { id: string; specs: readonly HarnessMcpServerSpec[] },
): Config[keyof Config] | null {
  switch (harness) {
    case 'claude-agent-sdk':
      return { mcpServers: byName(session.specs, toClaudeServer) }
    case 'opencode':
      return { mcp: byName(session.specs, ({ name }) => toOpencodeServer(session.id, name)) }
    default:
      return null
  }
}

/** Given to the SDK in its options, in memory. Without a token there is no header, and no other credential in its place. */
function toClaudeServer({ url, auth_token: token }: HarnessMcpServerSpec): ClaudeServer {
  return { type: 'http', url, ...(token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } }) }
}

/**
 * opencode reads its configuration from a file, once, when it starts. So no token is in it: the shim asks the platform's adapter
 * for the session's token at each request, over a local socket.
 */
function toOpencodeServer(sessionId: string, server: string): OpencodeServer {
  return {
    type: 'local',
    command: ['toolgate', 'session-shim', '--session', sessionId, '--server', server],
    enabled: true,
  }
}

function byName<Entry>(
  specs: readonly HarnessMcpServerSpec[],
  toEntry: (spec: HarnessMcpServerSpec) => Entry,
): Record<string, Entry> {
  return Object.fromEntries(specs.map((spec) => [spec.name, toEntry(spec)]))
}
