/** The data plane with its real adapters: what the server and the library both run on. */
import { createEventReader } from '#adapters/mcp-http/event-reader.ts'
import { createHttpWire } from '#adapters/mcp-http/http-wire.ts'
import { createSseWire } from '#adapters/mcp-sse/sse-wire.ts'
import { createStdioWire } from '#adapters/mcp-stdio/stdio-wire.ts'
import { createWebSocketWire } from '#adapters/mcp-ws/websocket-wire.ts'
import { createClientTls } from '#adapters/tls/client-tls.ts'
import { randomId } from '#adapters/crypto/random-id.ts'
import { hashToken } from '#adapters/crypto/token-mint.ts'
import { credentialHeader } from '#contract/credential-faults.ts'
import type { GatewayError } from '#contract/errors.ts'
import type { Limits } from '#contract/limits.ts'
import type { ServedServer } from '#contract/server.ts'
import type { AuditRecorder } from '#core/audit/audit-recorder.ts'
import { compileForwarding, traceOnly, type Forwarding } from '#core/credential/forwarded-headers.ts'
import type { ServerCredential } from '#core/credential/lease.ts'
import type { Counters } from '#core/limits/counters.ts'
import type { Egress } from '#core/egress/egress.ts'
import type { HttpWire } from '#core/upstream/http-wire.ts'
import { Gateway } from '#gateway/gateway.ts'
import type { Wires } from '#gateway/upstream/upstream.ts'
import { createOwnState, type SharedState } from './shared-state.ts'
import { systemClock } from './system-clock.ts'
import { version } from './version.ts'

export type EngineOptions = {
  limits: Limits
  separator: string
  audit: AuditRecorder
  onTrouble: (server: string, error: GatewayError, diagnosis: string) => void
  /** Where browsers reach this gateway: what of a caller's cookies may go to a server depends on it. */
  publicUrl?: string | undefined
  /** The guard before each connection to a server. */
  egress: (server: ServedServer) => Egress
  /** How requests to a server are authenticated. @throws GatewayError `config_invalid` */
  credentialOf: (server: ServedServer) => ServerCredential
  /** Takes the place of a server's HTTP wire. */
  holdHttp?: (server: ServedServer, wire: HttpWire) => HttpWire
  /** Where there are several replicas; by default this gateway is alone. */
  shared?: SharedState
  /** Where limits hold over several replicas. */
  counters?: Counters
}

const connectTimeoutMs = 10_000
const connectionsMax = 256

export function createEngine({
  limits,
  separator,
  audit,
  onTrouble,
  publicUrl,
  egress,
  credentialOf,
  holdHttp,
  shared,
  counters,
}: EngineOptions): Gateway {
  const { sessionRecords, taskRecords, bus, stateSecrets } = shared ?? createOwnState()
  return new Gateway({
    clock: systemClock,
    limits,
    separator,
    serverInfo: { name: 'toolgate', title: 'Toolgate', version },
    audit,
    createEventReader,
    openWires: (server) => {
      const wires = openWires(server, { limits, egress: egress(server) })
      return wires.kind === 'http' && holdHttp ? { ...wires, http: holdHttp(server, wires.http) } : wires
    },
    credentialOf,
    forwardingOf: (server) => forwardingOf(server, publicUrl ?? null),
    hash: hashToken,
    randomId,
    sessionRecords,
    taskRecords,
    bus,
    stateSecrets,
    ...(counters && { counters }),
    onTrouble,
  })
}

function forwardingOf({ transport }: ServedServer, publicUrl: string | null): Forwarding {
  if (transport.kind === 'stdio') return traceOnly
  const { forwardHeaders, cookies = null, headers } = transport
  const taken = credentialHeader(transport)
  const ownNames = [...Object.keys(headers).map((name) => name.toLowerCase()), ...(taken === null ? [] : [taken])]
  const sites = { publicUrl, upstreamUrl: transport.url }
  return compileForwarding({ forwardHeaders, cookies, sites }, ownNames)
}

type WireParts = { limits: Limits; egress: Egress }

/** What every connection to a server is opened with. */
function connecting({ transport }: ServedServer, egress: Egress) {
  const tls = transport.kind === 'stdio' || !transport.tls ? undefined : createClientTls(transport.tls)
  return { connectTimeoutMs, egress, tls }
}

function openWires(server: ServedServer, { limits, egress }: WireParts): Wires {
  const { transport } = server
  const messageBytesMax = limits.responseBytesMax
  const parts = connecting(server, egress)
  const openSse = (url: string) => createSseWire({ url, messageBytesMax, postTimeoutMs: server.timeoutMs, ...parts })
  switch (transport.kind) {
    case 'streamable_http':
      return {
        kind: 'http',
        http: createHttpWire({ url: transport.url, connectionsMax, ...parts }),
        sse: openSse(transport.url),
      }
    case 'sse':
      return { kind: 'channel', channel: openSse(transport.url) }
    case 'websocket':
      return { kind: 'channel', channel: createWebSocketWire({ url: transport.url, messageBytesMax, ...parts }) }
    default: {
      const { command, args, env, cwd } = transport
      return {
        kind: 'channel',
        channel: createStdioWire({ command, args, env, messageBytesMax, ...(cwd === undefined ? {} : { cwd }) }),
      }
    }
  }
}
