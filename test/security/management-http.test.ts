/** What the management API says to requests that are made to get something out of it that is not for them. */
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { signIn, startManagedGateway, type Api, type ManagedGateway } from '../support/management.ts'

let gateway: ManagedGateway
/** As a person without any rights. */
let eve: Api

beforeAll(async () => {
  gateway = await startManagedGateway({ servers: {} })
  const password = 'a password of eve'
  await gateway.api('POST', '/users', { body: { name: 'eve' } })
  await gateway.api('PUT', '/users/eve/password', { body: { password } })
  const bearer = await signIn(gateway.url, 'eve', password)
  eve = (method, path, options = {}) => gateway.api(method, path, { bearer, ...options })
})

afterAll(() => gateway?.[Symbol.asyncDispose]())

describe('an address that is none', () => {
  it.each([
    ['whose encoding is broken', '/users/%ff'],
    ['whose part is too long', `/users/${'a'.repeat(3_000)}`],
    ['with a path in its part', '/users/..%2f..%2faudit'],
  ])('%s is refused in the words of the catalogue, and not repeated', async (_what, path) => {
    const { status, headers, body } = await eve('GET', path)
    expect(status).toBe(404)
    expect(headers.get('content-type')).toContain('application/problem+json')
    expect(body).toMatchObject({
      code: expect.stringMatching(/^(?:not_found|no_such_resource)$/),
      title: expect.any(String),
    })
    expect(JSON.stringify(body)).not.toContain(path.slice('/users/'.length))
  })
})

describe('a question with an Idempotency-Key', () => {
  const keyed = { 'idempotency-key': 'the-same-each-time' }

  it('is answered anew: a token that was revoked meanwhile is not good any more', async () => {
    const { body } = await eve('POST', '/tokens', { body: { name: 'short' } })
    const introspect = () => eve('POST', '/tokens/introspect', { body: { token: body['secret'] }, headers: keyed })
    expect((await introspect()).body).toMatchObject({ active: true })
    await eve('POST', '/tokens/short/revoke')
    expect((await introspect()).body).toEqual({ active: false })
  })

  it('is nowhere kept, so that nobody without rights fills the database', async () => {
    const ask = (body: unknown) => eve('POST', '/access/can-i', { body, headers: keyed })
    expect((await ask({ action: 'audit' })).status).toBe(200)
    // A key that is kept is refused for another request.
    expect((await ask({ action: 'logs' })).status).toBe(200)
  })
})

describe('a secret that is to stay as it was', () => {
  it.each(['constructor', 'valueOf', 'x-new'])('must have been there: %s', async (header) => {
    const serverWith = (headers: object) => ({
      name: 'marked',
      transport: { kind: 'streamable_http', url: 'http://127.0.0.1:9/mcp', headers },
    })
    await gateway.api('POST', '/servers', { body: serverWith({ 'x-old': 'a secret' }) })
    const body = serverWith({ 'x-old': '[secret]', [header]: '[secret]' })
    const { status, body: answer } = await gateway.api('PUT', '/servers/marked', { body })
    expect(status).toBe(422)
    expect(answer).toMatchObject({ problems: [{ path: `transport.headers.${header}` }] })
  })
})

describe('a sign-in', () => {
  it('with the old password, while it is changed, does not outlive the change', async () => {
    const old = 'an old password'
    await gateway.api('POST', '/users', { body: { name: 'vic' } })
    await gateway.api('PUT', '/users/vic/password', { body: { password: old } })
    const attempt = { bearer: null, body: { user: 'vic', password: old } }
    const change = gateway.api('PUT', '/users/vic/password', { body: { password: 'a new password' } })
    const attempts: Promise<unknown>[] = []
    for (let count = 0; count < 8; count++) {
      attempts.push(gateway.api('POST', '/sign-in', attempt).then(({ body }) => body['access_token']))
      await delay(4)
    }
    expect((await change).status).toBe(204)
    for (const bearer of await Promise.all(attempts))
      expect((await gateway.api('GET', '/whoami', { bearer: String(bearer) })).status).toBe(401)
  })
})

describe('a server that no request can be made for', () => {
  const serverWith = (name: string, headers: object) => ({
    name,
    transport: { kind: 'streamable_http', url: 'http://127.0.0.1:9/mcp', headers },
  })

  it.each(['Host', 'transfer-encoding', 'mcp-session-id'])('is not taken: %s', async (header) => {
    const { status, body } = await gateway.api('POST', '/servers', { body: serverWith('poison', { [header]: 'x' }) })
    expect([status, body['problems']]).toEqual([
      422,
      [{ path: `transport.headers.${header}`, problem: 'is written by the gateway itself' }],
    ])
  })
})

describe('a server with more words than anybody reads', () => {
  const words = (count: number) => Array.from({ length: count }, (_, index) => `word-${index}`)

  it.each([
    ['aliases', words(101)],
    ['labels', words(101)],
    ['labels', ['x'.repeat(251)]],
  ])('is not taken: %s', async (member, list) => {
    const transport = { kind: 'streamable_http', url: 'http://127.0.0.1:9/mcp' }
    const { status } = await gateway.api('POST', '/servers', { body: { name: 'wordy', transport, [member]: list } })
    expect(status).toBe(422)
  })
})
