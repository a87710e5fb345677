import { describe, expect, it } from 'vitest'
import { Server } from '#contract/server.ts'
import { hideSecrets, keepSecrets } from './server-secrets.ts'

const spec = (transport: object) => Server.omit({ name: true }).parse({ transport, isolation: 'principal' })
const remote = (more: object = {}) =>
  spec({
    kind: 'streamable_http',
    url: 'https://ann:CANARY@example.com:8443/mcp?key=CANARY&x=1',
    credential: { kind: 'bearer', token: 'CANARY' },
    headers: { 'X-Key': 'CANARY', 'X-Other': 'CANARY' },
    ...more,
  })
const stdio = (more: object = {}) =>
  spec({ kind: 'stdio', command: 'serve', args: ['--key', 'CANARY'], env: { KEY: 'CANARY' }, ...more })
const credentials = [
  { kind: 'bearer', token: 'CANARY' },
  { kind: 'api_key', key: 'CANARY', header: 'x-key' },
  { kind: 'basic', username: 'ann', password: 'CANARY' },
  { kind: 'none' },
]
const shown = (server: ReturnType<typeof spec>) => hideSecrets(server, { isEditor: true })

describe('hideSecrets', () => {
  it.each(credentials)('shows of a credential of kind $kind no secret', (credential) => {
    const hidden = shown(remote({ credential }))
    expect(JSON.stringify(hidden)).not.toContain('CANARY')
    expect(hidden.transport).toMatchObject({
      url: 'https://[secret]@example.com:8443/mcp?[secret]',
      credential: { kind: credential.kind },
      headers: { 'X-Key': '[secret]', 'X-Other': '[secret]' },
    })
  })

  it('shows of a path what names the server, and not what only a machine could have written', () => {
    const key = 'a1B2c3D4e5F6a7B8c9D0e1F2a3B4c5D6'
    const stored = remote({ url: `https://example.com/s/${key}/\${TENANT}/mcp`, variables: [{ name: 'TENANT' }] })
    const url = 'https://example.com/s/[secret]/${TENANT}/mcp'
    expect(shown(stored).transport).toMatchObject({ url })
    expect(keepSecrets(shown(stored), stored)).toEqual({ spec: stored, problems: [] })
    const moved = { ...shown(stored), transport: { ...shown(stored).transport, url: `${url}/2` } }
    expect(keepSecrets(moved, stored).problems.map(({ path }) => path)).toContain('transport.url')
  })

  it('shows a program’s arguments to who may change them, and its environment to nobody', () => {
    expect(hideSecrets(stdio(), { isEditor: true }).transport).toMatchObject({
      args: ['--key', 'CANARY'],
      env: { KEY: '[secret]' },
    })
    expect(JSON.stringify(hideSecrets(stdio(), { isEditor: false }))).not.toContain('CANARY')
  })

  it('leaves an address without a secret as it was written', () => {
    const plain = remote({ url: 'https://example.com:443/a//b/' })
    expect(shown(plain).transport).toMatchObject({ url: 'https://example.com:443/a//b/' })
  })
})

describe('keepSecrets', () => {
  it('takes what was shown for what it stands for', () => {
    for (const server of [...credentials.map((credential) => remote({ credential })), stdio()]) {
      expect(keepSecrets(shown(server), server)).toEqual({ spec: server, problems: [] })
    }
  })

  it('takes a new secret beside old ones', () => {
    const sent = shown(remote())
    const changed = { ...sent, transport: { ...sent.transport, headers: { 'X-Key': 'new' } } } as typeof sent
    const { spec: kept, problems } = keepSecrets(changed, remote())
    expect(problems).toEqual([])
    expect(kept.transport).toMatchObject({ headers: { 'X-Key': 'new' }, credential: { token: 'CANARY' } })
  })

  it.each([
    ['another host', { url: 'https://evil.example/mcp' }],
    ['another port', { url: 'https://example.com/mcp' }],
    ['no encryption', { url: 'http://example.com:8443/mcp' }],
    ['another user and host', { url: 'https://[secret]@evil.example:8443/mcp?[secret]' }],
    ['another transport', { kind: 'sse' }],
  ])('never lets a secret go to %s', (_, change) => {
    const sent = shown(remote())
    const { spec: kept, problems } = keepSecrets(
      { ...sent, transport: { ...sent.transport, ...change } } as typeof sent,
      remote(),
    )
    expect(JSON.stringify(kept)).not.toContain('CANARY')
    expect(problems.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['transport.credential.token', 'transport.headers.X-Key']),
    )
  })

  it.each([
    ['another program', { command: 'env' }],
    ['other arguments', { args: ['-c', 'env'] }],
    ['another folder', { cwd: '/tmp' }],
  ])('never gives an environment to %s', (_, change) => {
    const { spec: kept, problems } = keepSecrets(
      { ...stdio(), transport: { ...shown(stdio()).transport, ...change } },
      stdio(),
    )
    expect(kept.transport).toMatchObject({ env: { KEY: '[secret]' } })
    expect(problems).toEqual([{ path: 'transport.env.KEY', problem: expect.any(String) }])
  })

  it('refuses a mark where there was nothing', () => {
    expect(keepSecrets(shown(remote()), null).problems.length).toBeGreaterThan(3)
    const sent = shown(remote({ headers: { New: '[secret]' } }))
    expect(keepSecrets(sent, remote()).problems).toEqual([
      { path: 'transport.headers.New', problem: expect.any(String) },
    ])
  })

  it('does not move a credential to another header', () => {
    const stored = remote({ credential: { kind: 'api_key', key: 'CANARY', header: 'x-key' } })
    const sent = remote({ credential: { kind: 'api_key', key: '[secret]', header: 'x-echo' } })
    expect(keepSecrets(sent, stored).problems).toEqual([
      { path: 'transport.credential.key', problem: expect.any(String) },
    ])
  })

  it('shows variables in an address, which are no secrets', () => {
    const stored = remote({ url: 'https://example.com/${TENANT}/mcp?key=CANARY', variables: [{ name: 'TENANT' }] })
    const { transport } = shown(stored)
    expect(transport).toMatchObject({ url: 'https://example.com/${TENANT}/mcp?[secret]' })
    expect(keepSecrets(shown(stored), stored)).toEqual({ spec: stored, problems: [] })
  })

  it.each([
    ['scopes', { scopes: ['a'] }, []],
    ['how long it waits', { timeoutMs: 1_000 }, []],
    ['the token endpoint', { tokenUrl: 'https://evil.example/token' }, ['transport.credential.clientSecret']],
    ['the client', { clientId: 'other' }, ['transport.credential.clientSecret']],
    ['the header', { header: 'x-echo' }, ['transport.credential.clientSecret']],
  ])('of a client’s secret says whether it may stay, where %s is another one', (_, change, paths) => {
    const client = {
      kind: 'oauth2_client_credentials',
      tokenUrl: 'https://as.example/token',
      clientId: 'me',
      clientSecret: 'CANARY',
    }
    const sent = shown(remote({ credential: { ...client, ...change } }))
    const { problems } = keepSecrets(sent, remote({ credential: client }))
    expect(problems.map(({ path }) => path)).toEqual(paths)
  })
})
