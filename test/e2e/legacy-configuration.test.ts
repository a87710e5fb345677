/** A configuration that was written for another gateway: servers that want a token get one, from the real authorization server that it names. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createGateway } from '#index.ts'
import { AuthConfig } from '#library/auth-config.ts'
import { openAuthorizationServer, type TestAuthorizationServer } from '../support/authorization-server.ts'
import { startProgram, tokenIn } from '../support/cli/run-program.ts'
import { sendModern } from '../support/management.ts'
import { plant } from '../support/planted.ts'
import { modernMessage } from '../support/raw-client.ts'
import { rawUpstream, type RawUpstream } from '../support/raw-upstream.ts'

const secret = plant('client-secret')
let issuer: TestAuthorizationServer
let upstream: RawUpstream

beforeAll(async () => {
  const client = {
    client_id: 'gateway',
    client_secret: secret,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: 'client_secret_post' as const,
    scope: 'mcp:read mcp:write',
  }
  issuer = await openAuthorizationServer({ clients: [client] })
  upstream = await rawUpstream()
})
afterAll(async () => {
  await upstream?.[Symbol.asyncDispose]()
  await issuer?.[Symbol.asyncDispose]()
})

/** The token that the upstream was sent with this method. */
function tokenSentWith(method: string): string {
  const request = upstream.seen.findLast(({ message }) => message['method'] === method)
  return String(request?.headers['authorization']).replace(/^Bearer /, '')
}

async function startWith(document: string, env: Record<string, string>) {
  await using starting = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'toolgate-legacy-'))
  starting.defer(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'toolgate.yaml'), `listen: { port: 0 }\n${document}`)
  const program = starting.use(startProgram(['serve'], { cwd: folder, env }))
  const url = await program.untilUp()
  const started = starting.move()
  return { program, url, token: tokenIn(program.stdout()), [Symbol.asyncDispose]: () => started.disposeAsync() }
}

describe('a server of mcp_servers', () => {
  it('is listed and called with a token of a client that the environment alone knows', async () => {
    await using gateway = await startWith(`mcp_servers:\n  tools: { url: "${upstream.url}", transport: http }\n`, {
      MCP_OAUTH2_TOKEN_URL: `${issuer.issuer}/token`,
      MCP_OAUTH2_CLIENT_ID: 'gateway',
      MCP_OAUTH2_CLIENT_SECRET: secret,
    })
    const ask = (method: string, params = {}) =>
      sendModern(`${gateway.url}/mcp/tools`, { token: gateway.token, message: modernMessage(method, params) })
    expect((await ask('tools/list')).status).toBe(200)
    expect((await ask('tools/call', { name: 'echo', arguments: {} })).status).toBe(200)
    for (const method of ['tools/list', 'tools/call'])
      expect(await issuer.findToken(tokenSentWith(method))).toMatchObject({
        clientId: 'gateway',
        scopes: ['mcp:read', 'mcp:write'],
      })
    expect(gateway.program.stdout() + gateway.program.stderr()).not.toContain(secret)
  })

  it('is called with nothing at all where no token can be had', async () => {
    const oauth2 = `{ token_url: "${issuer.issuer}/token", client_id: gateway, client_secret: wrong }`
    const seen = upstream.seen.length
    await using gateway = await startWith(
      `mcp_servers:\n  tools: { url: "${upstream.url}", transport: http, auth: { oauth2: ${oauth2} } }\n`,
      {},
    )
    const message = modernMessage('tools/call', { name: 'echo', arguments: {} })
    const answer = await sendModern(`${gateway.url}/mcp/tools`, { token: gateway.token, message })
    expect(await answer.text()).toContain('credential_unavailable')
    expect(upstream.seen).toHaveLength(seen)
  })
})

describe('a program’s server with OAuth', () => {
  it('is called with a token that the library gets itself', async () => {
    await using gateway = createGateway()
    const auth = AuthConfig.oauth2('gateway', secret, `${issuer.issuer}/token`).withScopes(['mcp:read'])
    await gateway.registerServer({ name: 'tools', url: upstream.url, auth })
    await gateway.callTool('tools', 'echo', {})
    expect(await issuer.findToken(tokenSentWith('tools/call'))).toMatchObject({ scopes: ['mcp:read'] })
  })
})
