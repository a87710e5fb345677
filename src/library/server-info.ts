/** What a program may know of a registered server: never its credential, and no more of its address than where it lies. */
import type { ErrorCode } from '#contract/errors.ts'
import type { ServedServer } from '#contract/server.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'
import type { UpstreamFacts } from '#gateway/upstream/upstream-session.ts'
import type { JsonObject } from '#core/protocol/json-rpc.ts'

export type ServerState = 'disconnected' | 'connecting' | 'connected' | 'failed'

export type ServerInfo = {
  name: string
  aliases: string[]
  description: string | undefined
  transport: 'streamable_http' | 'sse' | 'stdio' | 'websocket'
  tags: string[]
  enabled: boolean
  timeoutMs: number
  state: ServerState
  /** Why it failed, as a word of the error reference. */
  reason: ErrorCode | undefined
}

/** What a server said of itself when the connection was opened. */
export type Connection = {
  server: string
  protocolVersion: string
  serverInfo: JsonObject
  capabilities: JsonObject
  instructions: string | undefined
}

export function toServerInfo(server: ServedServer, aliases: string[], upstream: Upstream | undefined): ServerInfo {
  const { name, description, transport, labels, isEnabled, timeoutMs } = server
  const state = upstream ? stateOf(upstream) : 'disconnected'
  const reason = state === 'failed' ? upstream?.state.reason : undefined
  const tags = [...labels]
  return { name, aliases, description, transport: transport.kind, tags, enabled: isEnabled, timeoutMs, state, reason }
}

function stateOf(upstream: Upstream): ServerState {
  const { state } = upstream.state
  if (state === 'connected') return 'connected'
  if (upstream.isConnecting) return 'connecting'
  return state === 'failing' ? 'failed' : 'disconnected'
}

export function toConnection(server: string, facts: UpstreamFacts): Connection {
  const { revision, serverInfo, capabilities, instructions } = facts
  return { server, protocolVersion: revision, serverInfo, capabilities, instructions }
}
