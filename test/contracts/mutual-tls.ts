/** What holds for every wire that may show a certificate: the right one is served, and a server is who it says or nobody. */
import { once } from 'node:events'
import { createServer, type Server, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createSecureContext, TLSSocket, type SecureContext } from 'node:tls'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import { createClientTls } from '#adapters/tls/client-tls.ts'
import { createAuthority } from '#test/support/certificates.ts'
import { hasOpenssl, startOpensslServer } from '#test/support/openssl-server.ts'

/** Makes a wire for a URL that begins with `https:`, opens a connection, and says how that failed, or null. */
export type TryTls = (url: string, tls: SecureContext | undefined) => Promise<{ code: string; details: object } | null>

const servers = createAuthority('Servers')
const clients = createAuthority('Clients')
const strangers = createAuthority('Strangers')
const here = servers.issue('server', ['localhost', '127.0.0.1'])

const shown = (issuer = clients, ca = servers.certificate): SecureContext =>
  createClientTls({ ...issuer.issue('gateway'), ca })

export function describeMutualTls(name: string, tryTls: TryTls): void {
  describe(`${name}: certificates`, { timeout: 30_000 }, () => {
    const running: Server[] = []
    afterEach(async () => {
      vi.unstubAllEnvs()
      for (const server of running.splice(0)) {
        server.closeAllConnections()
        server.close()
        await once(server, 'close')
      }
    })

    /** Speaks to each kind of wire, and keeps the names that clients show. */
    async function start(options: ServerOptions): Promise<{ url: string; seen: string[] }> {
      const seen: string[] = []
      const server = createServer(options, (request, response) => {
        seen.push(nameIn(request.socket))
        const isStream = request.method === 'GET'
        response.writeHead(200, { 'content-type': isStream ? 'text/event-stream' : 'application/json' })
        if (isStream) response.write('event: endpoint\ndata: /messages\n\n')
        else response.end('{}')
      })
      const sockets = new WebSocketServer({ noServer: true })
      server.on('upgrade', (request, socket, head) => {
        seen.push(nameIn(request.socket))
        sockets.handleUpgrade(request, socket, head, () => undefined)
      })
      // Who is refused breaks off.
      server.on('tlsClientError', () => undefined)
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      running.push(server)
      return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, seen }
    }

    const asksForOne = { cert: here.certificate, key: here.key, ca: clients.certificate, requestCert: true }

    it.each(['TLSv1.2', 'TLSv1.3'] as const)(
      'shows its certificate to a server that asks for one, with %s',
      async (version) => {
        const { url, seen } = await start({ ...asksForOne, minVersion: version, maxVersion: version })
        expect(await tryTls(url, shown())).toBeNull()
        expect(seen).toEqual(['gateway'])
      },
    )

    it.each<[string, () => SecureContext]>([
      ['of an authority that the server does not know', () => shown(strangers)],
      ['that only looks like the right one', () => shown(createAuthority('Clients'))],
    ])('is not served with a certificate %s', async (_what, tls) => {
      const { url, seen } = await start(asksForOne)
      const error = await tryTls(url, tls())
      expect(['upstream_closed', 'upstream_unreachable', 'upstream_auth_failed']).toContain(error?.code)
      expect(seen).toEqual([])
    })

    it('is not served without a certificate', async () => {
      const { url, seen } = await start(asksForOne)
      const error = await tryTls(url, createSecureContext({ ca: servers.certificate }))
      expect(['upstream_closed', 'upstream_unreachable', 'upstream_auth_failed']).toContain(error?.code)
      expect(seen).toEqual([])
    })

    it.skipIf(!hasOpenssl).each(['tls1_2', 'tls1_3'] as const)(
      'says so where the server says that it takes no such certificate, with %s',
      async (version) => {
        const server = await startOpensslServer(here, { clientAuthority: clients.certificate, version })
        try {
          const error = await tryTls(server.url, shown(strangers))
          expect(error).toMatchObject({ code: 'upstream_auth_failed', details: { reason: 'client_certificate' } })
        } finally {
          await server.close()
        }
      },
    )

    it('sends nothing to a server for which nobody vouches, whatever the environment says', async () => {
      vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
      const { url, seen } = await start({ cert: here.certificate, key: here.key })
      const refused = { code: 'upstream_unreachable', details: { reason: 'server_certificate' } }
      expect(await tryTls(url, undefined)).toMatchObject(refused)
      expect(await tryTls(url, shown(clients, strangers.certificate))).toMatchObject(refused)
      expect(seen).toEqual([])
    })

    it('sends nothing to a server that has another name', async () => {
      const other = servers.issue('server', ['other.example'])
      const { url, seen } = await start({ ...asksForOne, cert: other.certificate, key: other.key })
      const error = await tryTls(url, shown())
      expect(error).toMatchObject({ code: 'upstream_unreachable', details: { reason: 'server_certificate' } })
      expect(JSON.stringify(error)).not.toContain('other.example')
      expect(seen).toEqual([])
    })
  })
}

function nameIn(socket: unknown): string {
  if (!(socket instanceof TLSSocket)) return 'no TLS'
  const { subject } = socket.getPeerCertificate()
  return String(subject?.CN ?? 'nobody')
}
