import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { KeyWrapper } from '#core/vault/key-wrapper.ts'
import { createAuthority } from '#test/support/certificates.ts'
import { failureOf } from '#test/support/failure.ts'
import { startFakeVault, type FakeVault, type FakeVaultOptions } from '#test/support/fake-vault.ts'
import { findFreePort } from '#test/support/free-port.ts'
import { openTestVault } from '#test/support/vault.ts'
import { createTransitWrapper, type TransitOptions } from './transit-wrapper.ts'

const token = 'hvs.canary-token-8d1c'
const key = randomBytes(32)

describe('a transit wrapper', () => {
  let folder: string
  let vault: FakeVault
  let started: FakeVault[]

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'toolgate-transit-'))
    started = []
    vault = await start()
  })
  afterEach(async () => {
    for (const one of started) await one.stop()
    rmSync(folder, { recursive: true })
  })

  async function start(options: FakeVaultOptions = {}): Promise<FakeVault> {
    const one = await startFakeVault(options)
    started.push(one)
    one.tokens.set(token, ['update'])
    one.createKey('toolgate')
    return one
  }

  function file(name: string, text: string): string {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }

  const env = { VAULT_TOKEN: token }

  function wrapperOf(options: Partial<TransitOptions> = {}, given: Record<string, string> = env): KeyWrapper {
    const login = { kind: 'token' } as const
    return createTransitWrapper(
      { address: vault.url, mount: 'transit', key: 'toolgate', isDerived: false, login, ...options },
      given,
    )
  }

  async function expectWraps(wrapper: KeyWrapper): Promise<void> {
    const wrapped = await wrapper.wrap(key, 'data key 1')
    expect(Buffer.from((await wrapper.unwrap(wrapped, 'data key 1')) ?? []).equals(key)).toBe(true)
  }

  it('unwraps what it wrapped, for the same context alone', async () => {
    const wrapper = wrapperOf()
    expect(wrapper.id).toBe('transit:transit/toolgate')
    const wrapped = await wrapper.wrap(key, 'data key 1')
    expect(wrapped).toMatch(/^vault:v1:/)
    await expectWraps(wrapper)
    expect(await wrapper.unwrap(wrapped, 'data key 2')).toBeNull()
    expect(vault.asked[0]).toEqual({ path: 'transit/encrypt/toolgate', parameters: ['associated_data', 'plaintext'] })
    expect(vault.asked[1]).toEqual({ path: 'transit/encrypt/toolgate', parameters: ['associated_data', 'plaintext'] })
    expect(vault.asked[2]).toEqual({ path: 'transit/decrypt/toolgate', parameters: ['associated_data', 'ciphertext'] })
  })

  it('unwraps nothing that was changed, or is of another key or another form', async () => {
    const wrapper = wrapperOf()
    const wrapped = await wrapper.wrap(key, 'a')
    for (const text of [
      wrapped.replace(/.(?=.{8}$)/, (one) => (one === 'A' ? 'B' : 'A')),
      `${wrapped}AAAA`,
      '',
      'plain',
    ])
      expect(await wrapper.unwrap(text, 'a')).toBeNull()
    vault.createKey('other')
    expect(await wrapperOf({ key: 'other' }).unwrap(wrapped, 'a')).toBeNull()
    expect(await wrapperOf({ key: 'missing' }).unwrap(wrapped, 'a')).toBeNull()
  })

  it('unwraps under older versions of the key, until they are disallowed', async () => {
    const wrapper = wrapperOf()
    const wrapped = await wrapper.wrap(key, 'a')
    vault.rotateKey('toolgate')
    expect(await wrapper.wrap(key, 'a')).toMatch(/^vault:v2:/)
    expect(await wrapper.unwrap(wrapped, 'a')).not.toBeNull()
    vault.setMinDecryptionVersion('toolgate', 2)
    expect(await wrapper.unwrap(wrapped, 'a')).toBeNull()
  })

  it('says to a derived key what it is for', async () => {
    vault.createKey('derived', { isDerived: true })
    await expectWraps(wrapperOf({ key: 'derived', isDerived: true }))
    const failure = await failureOf(wrapperOf({ key: 'derived' }).wrap(key, 'a'))
    expect(failure).toMatchObject({
      code: 'config_invalid',
      details: { reason: /transit\/derived \(400\).*isDerived/ },
    })
  })

  it.each(['aes128-gcm96', 'chacha20-poly1305'])('wraps with a key of the type %s', async (type) => {
    vault.createKey('typed', { type })
    await expectWraps(wrapperOf({ key: 'typed' }))
  })

  it('does not wrap with a key that binds no context, nor make a key of a mistyped name', async () => {
    vault.createKey('rsa', { type: 'rsa-4096' })
    for (const name of ['rsa', 'tolgate'])
      expect(await failureOf(wrapperOf({ key: name }).wrap(key, 'a'))).toMatchObject({ code: 'config_invalid' })
  })

  it('takes address, namespace and certificates from the variables that the vault’s own tools know', async () => {
    const authority = createAuthority('vault test')
    const secure = await start({ namespace: 'team', tls: authority.issue('vault', ['127.0.0.1']) })
    const ca = file('ca.pem', authority.certificate)
    const variables = { ...env, VAULT_ADDR: `${secure.url}/`, VAULT_NAMESPACE: 'team', VAULT_CACERT: ca }
    await expectWraps(wrapperOf({ address: undefined }, variables))
    await expectWraps(wrapperOf({ address: secure.url, namespace: 'team', ca }))
    const untrusted = await failureOf(wrapperOf({ address: secure.url, namespace: 'team' }).wrap(key, 'a'))
    expect(untrusted).toMatchObject({ code: 'vault_unavailable' })
    const elsewhere = await failureOf(wrapperOf({ address: secure.url, namespace: 'other', ca }).wrap(key, 'a'))
    expect(elsewhere.details['reason']).toContain('(404): look at vault.mount and vault.namespace')
  })

  it('reads its token from a file, each time anew', async () => {
    const tokenFile = file('token', `${token}\n`)
    const wrapper = wrapperOf({ login: { kind: 'token', tokenFile } }, {})
    await expectWraps(wrapper)
    vault.tokens.delete(token)
    vault.tokens.set('hvs.next', ['update'])
    expect(await failureOf(wrapper.wrap(key, 'a'))).toMatchObject({ code: 'config_invalid' })
    file('token', 'hvs.next')
    await expectWraps(wrapper)
  })

  it('signs in with AppRole, and with the token of a Kubernetes service account', async () => {
    const approle = { roleId: 'role-1', secretId: 'canary-secret-id' }
    const kubernetes = { role: 'toolgate', jwt: 'canary.jwt.text' }
    const other = await start({ approle, kubernetes })
    const secretIdFile = file('secret-id', approle.secretId)
    const tokenFile = file('jwt', kubernetes.jwt)
    const logins = [
      { kind: 'approle', mount: 'approle', roleId: approle.roleId, secretIdFile },
      { kind: 'kubernetes', mount: 'kubernetes', role: kubernetes.role, tokenFile },
    ] as const
    for (const login of logins) await expectWraps(wrapperOf({ address: other.url, login }, {}))
    file('secret-id', 'canary-wrong')
    file('jwt', 'canary-wrong')
    for (const login of logins) {
      const failure = await failureOf(wrapperOf({ address: other.url, login }, {}).wrap(key, 'a'))
      expect(failure.details['reason']).toMatch(`refuses the login by ${login.kind} at auth/${login.mount}`)
      expect(inspect(failure, { depth: 10 })).not.toContain('canary')
    }
  })

  it.each<[string, [Partial<TransitOptions>, Record<string, string>], RegExp]>([
    ['no address', [{ address: undefined }, env], /vault.address, or the variable VAULT_ADDR/],
    ['an address without TLS on another machine', [{ address: 'http://vault.example.com:8200' }, env], /must be https/],
    ['another scheme', [{ address: 'ftp://127.0.0.1' }, env], /must be https/],
    ['certificates that are not there', [{ ca: '/nowhere/ca.pem' }, env], /\/nowhere\/ca.pem cannot be read/],
    ['no token', [{}, {}], /Set VAULT_TOKEN/],
    ['a token of two lines', [{}, { VAULT_TOKEN: 'canary\r\nX-Other: 1' }], /VAULT_TOKEN must hold one word/],
    ['no file', [{ login: { kind: 'token', tokenFile: '/nowhere/token' } }, {}], /\/nowhere\/token.*cannot be read/],
    [
      'a token that is not valid',
      [{}, { VAULT_TOKEN: 'canary-other' }],
      /\(403\).*update on transit\/encrypt\/toolgate/,
    ],
    ['a mount that is not there', [{ mount: 'elsewhere' }, env], /nothing at elsewhere\/encrypt\/toolgate \(404\)/],
  ])('says what is wrong with %s', async (_, given, reason) => {
    const failure = await failureOf((async () => wrapperOf(...given).wrap(key, 'a'))())
    expect(failure.code).toBe('config_invalid')
    expect(failure.details['reason']).toMatch(reason)
    expect(inspect(failure, { depth: 10 })).not.toContain('canary')
  })

  it('says that it cannot be asked: nobody is there, it is sealed, or it fails', async () => {
    vault.seal(true)
    expect((await failureOf(wrapperOf().wrap(key, 'a'))).details['reason']).toContain(
      'is sealed, or in maintenance (503)',
    )
    vault.seal(false)
    for (const status of [429, 500, 502]) {
      vault.answerWith((response) => void response.writeHead(status).end('canary words of the server'))
      const failure = await failureOf(wrapperOf().unwrap('vault:v1:AAAA', 'a'))
      expect(failure).toMatchObject({
        code: 'vault_unavailable',
        details: { reason: new RegExp(`answers with ${status}`) },
      })
      expect(inspect(failure, { depth: 10 })).not.toContain('canary')
    }
    const gone = wrapperOf({ address: `http://127.0.0.1:${await findFreePort()}` })
    expect(await failureOf(gone.wrap(key, 'a'))).toMatchObject({
      code: 'vault_unavailable',
      details: { reason: expect.stringContaining('cannot be reached (ECONNREFUSED)') },
    })
  })

  it('does not follow a redirect with its token, and reads no endless answer', async () => {
    const other = await start()
    vault.answerWith(
      (response) => void response.writeHead(307, { location: `${other.url}/v1/transit/encrypt/toolgate` }).end(),
    )
    expect((await failureOf(wrapperOf().wrap(key, 'a'))).details['reason']).toContain('redirects (307)')
    expect(other.asked).toEqual([])
    vault.answerWith((response) => {
      response.writeHead(200)
      const more = (): void => void (response.destroyed || response.write('x'.repeat(16_384), () => setImmediate(more)))
      more()
    })
    expect(await failureOf(wrapperOf().wrap(key, 'a'))).toMatchObject({
      code: 'vault_unavailable',
      details: { reason: expect.stringContaining('more than 65536 bytes') },
    })
  })

  it.each([
    '',
    'null',
    '[]',
    '{"data":null}',
    '{"data":{"ciphertext":7}}',
    '{"data":{"ciphertext":"plain"}}',
    '<html>',
  ])('takes %j for no answer of a vault', async (text) => {
    vault.answerWith((response) => void response.writeHead(200).end(text))
    expect(await failureOf(wrapperOf().wrap(key, 'a'))).toMatchObject({ code: 'config_invalid' })
    expect(await wrapperOf().unwrap('vault:v1:AAAA', 'a')).toBeNull()
  })

  it('carries a vault: keys of this machine go under it, and come back', async () => {
    const before = await openTestVault({ letter: 'a' })
    const sealed = before.vault.seal('text', 'a')
    const { store } = before
    const wrapper = wrapperOf()
    // Both are known in the start in which the configuration changes.
    const moved = await openTestVault({ store, wrapper, previous: 'a' })
    expect(moved.vault.open(sealed, 'a')).toBe('text')
    expect((await store.list()).map(({ wrappedBy }) => wrappedBy)).toEqual([wrapper.id])
    expect((await openTestVault({ store, wrapper })).vault.open(sealed, 'a')).toBe('text')
    expect(await failureOf(openTestVault({ store, letter: 'a' }))).toMatchObject({
      details: { reason: expect.stringContaining(`is wrapped by ${wrapper.id}`) },
    })
  })
})
