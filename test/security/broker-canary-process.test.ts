/** The whole program, from the management API to the log and the files: what is secret is in none of it but where it must be. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startManagedGateway, type ApiAnswer, type ManagedGateway } from '../support/management.ts'
import { plant } from '../support/planted.ts'
import { exchange } from '../support/raw-http.ts'
import { both, modernHeaders, modernMessage } from '../support/raw-client.ts'
import { rawUpstream, toServer, type RawUpstream } from '../support/raw-upstream.ts'

const credential = plant('credential')

let upstream: RawUpstream
let gateway: ManagedGateway
const seen: string[] = []

type Started = {
  session: { id: string }
  harness: { mcp_servers: { url: string; auth_token: string }[] }
  refreshToken: string
}

beforeAll(async () => {
  upstream = await rawUpstream({ tools: ['echo'] })
  gateway = await startManagedGateway({
    egress: { allow: ['127.0.0.0/8'] },
    servers: { declared: { url: upstream.url, credential: { kind: 'bearer', token: credential } } },
  })
  const { name, transport } = toServer('stored', upstream, { credential: { kind: 'bearer', token: credential } })
  note(await gateway.api('POST', '/servers', { body: { name, transport } }))
  const servers = [{ server: 'declared' }, { server: 'stored' }]
  note(await gateway.api('POST', '/agents', { body: { name: 'helper', harness: 'claude-agent-sdk', servers } }))
})

afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
})

function note({ status, headers, body }: ApiAnswer): ApiAnswer {
  seen.push(JSON.stringify([status, [...headers], body]))
  return { status, headers, body }
}

async function start(
  path = '/managed_agents/agents/helper/session',
  headers: Record<string, string> = {},
): Promise<Started> {
  const answer = note(await gateway.api('POST', path, { body: {}, headers }))
  expect([200, 201]).toContain(answer.status)
  return answer.body as unknown as Started
}

async function call({ url, auth_token: token }: Started['harness']['mcp_servers'][number]): Promise<number> {
  const message = modernMessage('tools/call', { name: 'echo' })
  const answer = await exchange(url, {
    method: 'POST',
    headers: { ...both, ...modernHeaders(message), authorization: `Bearer ${token}` },
    body: JSON.stringify(message),
  })
  seen.push(JSON.stringify(answer))
  return answer.status
}

/** Every file that the gateway keeps, as text; its key and its configuration are the operator's. */
function files(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && !/secret\.key$|toolgate\.yaml$/.test(path))
    .map((path) => readFileSync(path, 'latin1'))
    .join('\n')
}

describe('the program', () => {
  const tokens: string[] = []

  it('serves a session’s servers, and says what became of it', async () => {
    const started = await start()
    for (const spec of started.harness.mcp_servers) expect(await call(spec)).toBe(200)
    const restarted = await start(`/sessions/${started.session.id}/restart`)
    const recovered = await start(`/sessions/${started.session.id}/recover`)
    const repeated = await start(undefined, { 'idempotency-key': 'once' })
    expect((await start(undefined, { 'idempotency-key': 'once' })).session.id).toBe(repeated.session.id)
    const fresh = note(
      await gateway.api('POST', '/agent-auth/refresh', {
        bearer: null,
        body: { refresh_token: recovered.refreshToken },
      }),
    )
    const [spec] = recovered.harness.mcp_servers
    expect(await call({ url: spec?.url ?? '', auth_token: String(fresh.body['access_token']) })).toBe(200)
    tokens.push(String(fresh.body['access_token']))
    for (const one of [started, restarted, recovered, repeated])
      tokens.push(one.refreshToken, ...one.harness.mcp_servers.map(({ auth_token: token }) => token))
    upstream.script.on = { 'tools/call': (x) => x.json({ error: `the key ${credential} is not valid` }, 401) }
    for (const one of recovered.harness.mcp_servers) await call(one)
    expect((await gateway.api('DELETE', `/sessions/${started.session.id}`)).status).toBe(200)
    for (const one of recovered.harness.mcp_servers) expect(await call(one)).toBe(403)
    for (const path of [
      '/sessions',
      `/sessions/${started.session.id}`,
      `/sessions/${started.session.id}/events`,
      '/agents',
      '/servers',
      '/audit?limit=1000',
    ])
      note(await gateway.api('GET', path))
    expect(upstream.seen.some(({ headers }) => headers['authorization'] === `Bearer ${credential}`)).toBe(true)
  })

  it('said the credential of its servers to nobody, and wrote it nowhere as it is', () => {
    const log = gateway.program.stdout() + gateway.program.stderr()
    for (const text of [...seen, log, files(gateway.folder)]) expect(text).not.toContain(credential)
    expect(seen.join('\n').length).toBeGreaterThan(5_000)
  })

  it('said its own secret and the operator’s token to nobody', () => {
    const secret = readFileSync(join(gateway.folder, '.toolgate', 'secret.key'), 'utf8').trim()
    expect(Buffer.from(secret, 'base64')).toHaveLength(32)
    expect(statSync(join(gateway.folder, '.toolgate', 'secret.key')).mode & 0o077).toBe(0)
    const spelt = [
      secret,
      Buffer.from(secret, 'base64').toString('hex'),
      Buffer.from(secret, 'base64').toString('base64url'),
    ]
    for (const text of [...seen, gateway.program.stderr(), files(gateway.folder)])
      for (const canary of [...spelt, gateway.token, gateway.password]) expect(text).not.toContain(canary)
  })

  it('keeps no token of a session, neither in its log nor in its files', () => {
    expect(tokens.length).toBeGreaterThan(8)
    const kept = gateway.program.stdout() + gateway.program.stderr() + files(gateway.folder)
    for (const token of tokens) expect(kept).not.toContain(token)
    expect(kept).not.toContain('tgs_')
  })

  it('hands no token of a session to a server', () => {
    expect(JSON.stringify(upstream.seen.map(({ headers, text, path }) => [headers, text, path]))).not.toContain('tgs_')
  })
})
