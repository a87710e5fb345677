/** What a server says to who comes without a credential: its challenge names where one is to be had (RFC 9728 §5.1), and which scopes it wants. */
import { createClientTls } from '#adapters/tls/client-tls.ts'
import { createHttpWire } from '#adapters/mcp-http/http-wire.ts'
import type { ServedServer } from '#contract/server.ts'
import type { Egress } from '#core/egress/egress.ts'
import type { HttpWire, WireRequest } from '#core/upstream/http-wire.ts'
import type { ServerEgress } from './egress.ts'
import { version } from './version.ts'

const connectTimeoutMs = 5_000
const silenceMsMax = 10_000

/** Every client's first request: whoever wants a credential asks for one here. */
const hello = toPost('initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'toolgate', version },
})
/** Some let everybody say hello, and want a credential for what comes then. */
const list = toPost('tools/list', {})
const stream: WireRequest = { method: 'GET', headers: ['accept', 'text/event-stream'], silenceMsMax }

/** `WWW-Authenticate` as it came; null: the server has none, or cannot be asked, which is no failure: it may be known elsewhere. */
export function challengesOver(egress: Pick<ServerEgress, 'of'>): (server: ServedServer) => Promise<string | null> {
  return (server) => askChallenge(server, egress.of(server))
}

async function askChallenge({ transport }: ServedServer, egress: Egress): Promise<string | null> {
  if (transport.kind !== 'streamable_http' && transport.kind !== 'sse') return null
  const tls = transport.tls && createClientTls(transport.tls)
  const wire = createHttpWire({ url: transport.url, connectionsMax: 1, connectTimeoutMs, egress, tls })
  try {
    for (const request of transport.kind === 'sse' ? [stream] : [hello, list]) {
      const { status, challenge } = await ask(wire, request)
      if (status === 401 || status === null) return challenge
    }
    return null
  } finally {
    await wire.close()
  }
}

/** `status`: null where there is no answer. */
type Told = { status: number | null; challenge: string | null }

async function ask(wire: HttpWire, request: WireRequest): Promise<Told> {
  const told = Promise.withResolvers<Told>()
  const away = (): void => told.resolve({ status: null, challenge: null })
  const exchange = wire.send(request, {
    head: (head) => {
      const { status } = head
      told.resolve({ status, challenge: status === 401 ? (head.header('www-authenticate') ?? null) : null })
    },
    chunk: () => false,
    end: away,
    fail: away,
  })
  try {
    return await told.promise
  } finally {
    exchange.abort()
  }
}

function toPost(method: string, params: object): WireRequest {
  const headers = ['content-type', 'application/json', 'accept', 'application/json, text/event-stream']
  return { method: 'POST', headers, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }), silenceMsMax }
}
