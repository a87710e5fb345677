/** What a server says to who comes without a credential: its challenge names where one is to be had (RFC 9728 §5.1), and which scopes it wants. */
import { createClientTls } from '#adapters/tls/client-tls.ts'
import { createHttpWire } from '#adapters/mcp-http/http-wire.ts'
import type { ServedServer } from '#contract/server.ts'
import type { Egress } from '#core/egress/egress.ts'
import type { WireRequest } from '#core/upstream/http-wire.ts'
import type { ServerEgress } from './egress.ts'
import { version } from './version.ts'

const connectTimeoutMs = 5_000
const silenceMsMax = 10_000

/** Every client's first request: whoever wants a credential asks for one here. */
const first: WireRequest = {
  method: 'POST',
  headers: ['content-type', 'application/json', 'accept', 'application/json, text/event-stream'],
  body: JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'toolgate', version } },
  }),
  silenceMsMax,
}
const stream: WireRequest = { method: 'GET', headers: ['accept', 'text/event-stream'], silenceMsMax }

/** `WWW-Authenticate` as it came; null: the server has none, or cannot be asked, which is no failure: it may be known elsewhere. */
export function challengesOver(egress: Pick<ServerEgress, 'of'>): (server: ServedServer) => Promise<string | null> {
  return (server) => askChallenge(server, egress.of(server))
}

async function askChallenge({ transport }: ServedServer, egress: Egress): Promise<string | null> {
  if (transport.kind !== 'streamable_http' && transport.kind !== 'sse') return null
  const tls = transport.tls && createClientTls(transport.tls)
  const wire = createHttpWire({ url: transport.url, connectionsMax: 1, connectTimeoutMs, egress, tls })
  const answered = Promise.withResolvers<string | null>()
  const exchange = wire.send(transport.kind === 'sse' ? stream : first, {
    head: (head) => answered.resolve(head.status === 401 ? (head.header('www-authenticate') ?? null) : null),
    chunk: () => false,
    end: () => answered.resolve(null),
    fail: () => answered.resolve(null),
  })
  try {
    return await answered.promise
  } finally {
    exchange.abort()
    await wire.close()
  }
}
