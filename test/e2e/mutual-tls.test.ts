/** A server behind TLS that asks for a certificate, from the configuration to the call. */
import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { createServer, type Server } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAuthority } from '../support/certificates.ts'
import { rawToken, startRawGateway, type RawGateway } from '../support/raw-gateway.ts'
import { askModern } from '../support/raw/client.ts'
import { RawUpstream } from '../support/raw-upstream.ts'

const servers = createAuthority('Servers')
const clients = createAuthority('Clients')
const here = servers.issue('server', ['127.0.0.1'])
const client = clients.issue('gateway')
const stranger = createAuthority('Strangers').issue('gateway')

let upstream: RawUpstream
let door: Server
let gateway: RawGateway

beforeEach(async () => {
  upstream = new RawUpstream({ era: 'modern', tools: ['echo'], calls: { echo: (exchange) => exchange.text('served') } })
  await upstream.start()
  const demands = { cert: here.certificate, key: here.key, ca: clients.certificate, requestCert: true }
  door = createServer(demands, (socket) => {
    const inner = connect(upstream.port, '127.0.0.1')
    socket.on('error', () => inner.destroy()).on('close', () => inner.destroy())
    inner.on('error', () => socket.destroy()).on('close', () => socket.destroy())
    socket.pipe(inner).pipe(socket)
  })
  door.on('tlsClientError', () => undefined)
  door.listen(0, '127.0.0.1')
  await once(door, 'listening')
})

afterEach(async () => {
  await gateway[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
  door.close()
  await once(door, 'close')
})

/** @returns the answer as text */
async function callWith(tls: object): Promise<string> {
  const url = `https://127.0.0.1:${(door.address() as AddressInfo).port}/mcp`
  const transport = { kind: 'streamable_http', url, tls: { ca: servers.certificate, ...tls } }
  gateway = await startRawGateway({ servers: [{ name: 'files', transport }] })
  const to = { url: `${gateway.url}/files/mcp`, token: rawToken('a') }
  return JSON.stringify(await askModern(to, { method: 'tools/call', params: { name: 'echo', arguments: {} } }))
}

describe('a server that asks for a certificate', () => {
  it('is called with the certificate of its definition', async () => {
    expect(await callWith(client)).toContain('served')
  })

  it('is not reached with another', async () => {
    expect(await callWith(stranger)).toContain('upstream_')
    expect(upstream.seen).toEqual([])
  })

  it('is left out where the key is none, and the trouble names it and does not show it', async () => {
    const key = '-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----\n'
    expect(await callWith({ ...client, key })).toContain('server_not_found')
    expect(gateway.troubles).toMatchObject([{ server: 'files', code: 'config_invalid' }])
    expect(gateway.troubles[0]?.text).toContain('transport.tls.key')
    expect(gateway.troubles[0]?.text).not.toContain('s3cret')
  })
})
