/** Accounts at a real authorization server, used by two replicas. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createOAuthClient } from '#adapters/oauth-client/oauth-client.ts'
import { systemClock } from '#compose/system-clock.ts'
import { Server } from '#contract/server.ts'
import { nameOfClient } from '#core/credential/credential-name.ts'
import type { ClientAuth } from '#core/credential/oauth-client.ts'
import type { Lease, ServerCredential } from '#core/credential/lease.ts'
import { noSecrets, resolveSecrets } from '#core/credential/resolve-secrets.ts'
import type { StoredGrant } from '#core/credential/stored-credential.ts'
import { createServerCredential } from '#gateway/credential/server-credential.ts'
import { goThrough } from '#test/support/authorization-server-pages.ts'
import { openAuthorizationServer, type TestAuthorizationServer } from '#test/support/authorization-server.ts'
import { MemoryCredentialBook, storedCredential } from '#test/support/credential-books.ts'
import { ann, CredentialLab, refusal } from '#test/support/credential-lab.ts'
import { openEgress } from '#test/support/egress.ts'
import { failureOf } from '#test/support/failure.ts'

const redirectUri = 'http://127.0.0.1:8080/connect/callback'
const resource = 'https://files.example/mcp'
const oauth = createOAuthClient({ egressOf: () => openEgress, allowsHttp: () => false, clock: systemClock })

let real: TestAuthorizationServer
let book: MemoryCredentialBook

beforeAll(async () => {
  real = await openAuthorizationServer()
}, 30_000)
afterAll(() => real[Symbol.asyncDispose]())
beforeEach(() => {
  book = new MemoryCredentialBook()
})

/** Ann connects her account in a browser, as the client that the gateway has registered. */
async function connect(): Promise<void> {
  const server = await oauth.findServer(real.issuer)
  const { clientId, auth } = await oauth.register(server, {
    clientName: 'Toolgate',
    clientUri: null,
    redirectUri,
    scopes: null,
  })
  const wish = { scopes: ['mcp:read'], resource, audience: null, extra: {}, redirectUri }
  const { url, ...begun } = await oauth.startAuthorization({ server, client: { clientId, auth } }, wish)
  const { searchParams: answer } = await goThrough(url, redirectUri, { login: 'ann' })
  const source = { server, client: { clientId, auth }, timeoutMs: 10_000 }
  const tokens = await oauth.finishAuthorization(source, { ...begun, answer, redirectUri, resource })
  const issued = { issuer: real.issuer, clientId }
  const client = { kind: 'client' as const, ...issued, redirectUri, auth, expiresAt: null }
  book.put(storedCredential({ owner: { kind: 'gateway', ref: '' }, secret: client }), nameOfClient('srv_files'))
  book.put(storedCredential({ stateAt: Date.now(), secret: { kind: 'oauth', ...tokens, ...issued, resource } }))
}

function openReplica(): ServerCredential {
  const { deps } = new CredentialLab(() => ({ book, clock: systemClock, oauth }))
  const credential = { kind: 'oauth2_authorization_code', issuer: real.issuer }
  const transport = { kind: 'streamable_http', url: resource, credential }
  const server = Server.parse({ name: 'files', transport, isolation: 'principal' })
  return createServerCredential({ id: 'srv_files', ...resolveSecrets(server, noSecrets) }, deps)
}

/** Its token is refused there. */
async function renewOn(replica: ServerCredential): Promise<Lease> {
  const lease = await replica.lease(ann)
  return replica.rejected(lease, refusal(lease))
}

const bearerOf = ({ headers }: Lease): string => headers[1]?.slice('Bearer '.length) ?? ''
const stored = () => book.find('srv_files.user.usr_ann')?.credential
const grantNow = (): StoredGrant => {
  const secret = stored()?.secret
  if (secret?.kind !== 'oauth') throw new Error('no grant is stored')
  return secret
}

describe('an account at a real authorization server', () => {
  it('is renewed again and again on two replicas, and is never lost', { timeout: 60_000 }, async () => {
    await connect()
    const [one, other] = [openReplica(), openReplica()]
    const seen = new Set<string>()
    for (let i = 0; i < 40; i++) {
      const renewed = await Promise.all([one, other].map((replica) => renewOn(replica)))
      const [token = '', same] = renewed.map(bearerOf)
      expect(same).toBe(token)
      expect(await real.findToken(token)).toMatchObject({ account: 'ann', audience: resource })
      seen.add(token)
    }
    expect(seen.size).toBe(40)
    expect(stored()).toMatchObject({ state: 'connected', renewingUntil: null })
  })

  it('that somebody else has used a spent refresh token of is ended there, and its owner is asked', async () => {
    await connect()
    const one = openReplica()
    const lease = await one.lease(ann)
    const spent = grantNow()
    await one.rejected(lease, refusal(lease))
    const source = {
      server: await oauth.findServer(real.issuer),
      client: { clientId: spent.clientId, auth: authOfClient() },
      timeoutMs: 10_000,
    }
    const wish = { scopes: null, resource, audience: null, extra: {}, refreshToken: spent.refreshToken ?? '' }
    await failureOf(oauth.refresh(source, wish))
    const refused = await failureOf(one.rejected(lease, refusal(lease)))
    expect(refused).toMatchObject({ code: 'credential_required', details: { reason: 'grant_ended' } })
    expect(stored()).toMatchObject({ state: 'needs_attention', reason: 'grant_ended' })
    for (const secret of [spent.accessToken, spent.refreshToken ?? '', grantNow().accessToken])
      expect(JSON.stringify([refused.details, refused.message, refused.stack, refused.cause ?? null])).not.toContain(
        secret,
      )
  })
})

function authOfClient(): ClientAuth {
  const secret = book.find(nameOfClient('srv_files'))?.credential.secret
  if (secret?.kind !== 'client') throw new Error('no client is stored')
  return secret.auth
}
