/** The management API of a running gateway: what is changed there decides the next call. */
import { DatabaseSync } from 'node:sqlite'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sendModern, signIn, startManagedGateway, type ManagedGateway } from '../support/management.ts'
import { modernMessage } from '../support/raw-client.ts'
import { rawUpstream, type RawUpstream } from '../support/raw-upstream.ts'

let upstream: RawUpstream
let gateway: ManagedGateway

beforeAll(async () => {
  upstream = await rawUpstream()
  gateway = await startManagedGateway({
    // The server that is stored here lives on this machine.
    egress: { allow: ['127.0.0.0/8'] },
    servers: { one: { url: upstream.url }, two: { url: upstream.url } },
    policies: { 'all-of-it': { default: 'execute' } },
  })
})
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]()
  await upstream?.[Symbol.asyncDispose]()
})

const list = (token: string, path = '/mcp'): Promise<Response> =>
  sendModern(`${gateway.url}${path}`, { token, message: modernMessage('tools/list') })

async function serversSeenBy(token: string): Promise<string[]> {
  const response = await list(token)
  expect(response.status).toBe(200)
  const { result } = (await response.json()) as { result: { tools: { name: string }[] } }
  return [...new Set(result.tools.map(({ name }) => name.split('__')[0] ?? ''))].toSorted()
}

describe('a token', () => {
  it('is made by a person, sees what its policy lets it see, and follows the policy at once', async () => {
    const policy = { name: 'one-only', rules: [{ server: 'one', level: 'execute' }] }
    expect((await gateway.api('POST', '/policies', { body: policy })).status).toBe(201)
    const token = await gateway.mint({ name: 'ci', policies: ['one-only'] })
    expect(await serversSeenBy(token)).toEqual(['one'])
    const wider = { ...policy, rules: [{ server: '*', level: 'execute' }] }
    expect((await gateway.api('PUT', '/policies/one-only', { body: wider })).status).toBe(200)
    expect(await serversSeenBy(token)).toEqual(['one', 'two'])
  })

  it('opens nothing from the moment it is revoked, and stays in the list as revoked', async () => {
    const token = await gateway.mint({ name: 'short', policies: ['all-of-it'] })
    expect((await list(token)).status).toBe(200)
    // Scripts send this header with everything.
    const headers = { 'content-type': 'application/json' }
    expect((await gateway.api('POST', '/tokens/short/revoke', { headers })).body).toMatchObject({ status: 'revoked' })
    expect((await list(token)).status).toBe(401)
    expect((await gateway.api('GET', '/tokens/short')).body).toMatchObject({ status: 'revoked' })
  })

  it('has a new secret beside the old one after a rotation', async () => {
    const old = await gateway.mint({ name: 'rotating', policies: ['all-of-it'] })
    const answer = await gateway.api('POST', '/tokens/rotating/rotate', { body: { overlapMs: 60_000 } })
    expect(answer.status).toBe(201)
    for (const secret of [old, String(answer.body['secret'])]) expect((await list(secret)).status).toBe(200)
  })

  it('is rotated by a request without a body, with a day for the old secret', async () => {
    const old = await gateway.mint({ name: 'rotating-daily', policies: ['all-of-it'] })
    const answer = await gateway.api('POST', '/tokens/rotating-daily/rotate')
    expect(answer.status).toBe(201)
    for (const secret of [old, String(answer.body['secret'])]) expect((await list(secret)).status).toBe(200)
  })

  it('is never made by a token, not even by the first admin’s', async () => {
    const body = { name: 'nested', policies: ['all-of-it'] }
    const refused = await gateway.api('POST', '/tokens', { bearer: gateway.token, body })
    expect(refused).toMatchObject({ status: 403, body: { code: 'person_required' } })
    expect((await gateway.api('GET', '/tokens/nested')).status).toBe(404)
  })

  it('that is bound to a project reaches its address and nothing else', async () => {
    await gateway.api('POST', '/projects', { body: { name: 'web', servers: ['two'] } })
    const token = await gateway.mint({ name: 'web-agent', project: 'web', policies: ['all-of-it'] })
    expect((await list(token, '/projects/web/mcp')).status).toBe(200)
    expect((await list(token)).status).toBe(403)
    expect(await gateway.api('GET', '/servers', { bearer: token })).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    })
    expect((await gateway.api('GET', '/whoami', { bearer: token })).status).toBe(200)
  })
})

describe('a server', () => {
  it('is served as soon as it is registered, and its secrets are nowhere to be read', async () => {
    const canary = 'sk-canary-51c0'
    const body = {
      name: 'three',
      transport: { kind: 'streamable_http', url: upstream.url, credential: { kind: 'bearer', token: canary } },
    }
    const created = await gateway.api('POST', '/servers', { body })
    expect(created.status).toBe(201)
    expect(await serversSeenBy(gateway.token)).toEqual(['one', 'three', 'two'])
    expect(upstream.seen.at(-1)?.headers['authorization']).toBe(`Bearer ${canary}`)
    const told = [created, await gateway.api('GET', '/servers'), await gateway.api('GET', '/servers/three')]
    expect(JSON.stringify(told)).not.toContain(canary)
    const data = join(gateway.folder, '.toolgate')
    for (const file of ['toolgate.db', 'toolgate.db-wal'])
      expect(readFileSync(join(data, file)).includes(canary)).toBe(false)
    expect(statSync(join(data, 'secret.key')).mode & 0o777).toBe(0o600)
    expect((await gateway.api('DELETE', '/servers/three')).status).toBe(204)
    expect(await serversSeenBy(gateway.token)).toEqual(['one', 'two'])
  })

  it('of the configuration is changed only there', async () => {
    const { body } = await gateway.api('GET', '/servers/one')
    expect(body).toMatchObject({ isReadOnly: true })
    expect((await gateway.api('DELETE', '/servers/one')).body).toMatchObject({ code: 'read_only' })
  })
})

describe('a person', () => {
  it('sees and may what bindings say, and no more', async () => {
    await gateway.api('POST', '/users', { body: { name: 'ann' } })
    await gateway.api('PUT', '/users/ann/password', { body: { password: 'long enough for ann' } })
    await gateway.api('POST', '/role-bindings', {
      body: {
        name: 'ann-views-servers',
        subjects: [{ kind: 'user', ref: 'ann' }],
        bindings: [{ role: 'view', resource: 'servers' }],
      },
    })
    const ann = await signIn(gateway.url, 'ann', 'long enough for ann')
    const { body } = await gateway.api('GET', '/servers', { bearer: ann })
    expect((body['items'] as { name: string }[]).map(({ name }) => name)).toEqual(['one', 'two'])
    const body2 = { name: 'mine', rules: [] }
    expect((await gateway.api('POST', '/policies', { bearer: ann, body: body2 })).status).toBe(403)
    expect((await gateway.api('GET', '/users/admin', { bearer: ann })).status).toBe(404)
    const can = { role: 'view', resource: 'servers' }
    expect((await gateway.api('POST', '/access/can-i', { bearer: ann, body: can })).body).toMatchObject({
      allowed: true,
    })
    const cannot = { role: 'edit', resource: 'servers' }
    expect((await gateway.api('POST', '/access/can-i', { bearer: ann, body: cannot })).body).toMatchObject({
      allowed: false,
    })
  })

  it('is out as soon as it is disabled, with all of its tokens', async () => {
    await gateway.api('POST', '/users', { body: { name: 'bob', policies: ['all-of-it'] } })
    await gateway.api('PUT', '/users/bob/password', { body: { password: 'long enough for bob' } })
    const bob = await signIn(gateway.url, 'bob', 'long enough for bob')
    const minted = await gateway.api('POST', '/tokens', { bearer: bob, body: { name: 'bobs' } })
    expect(minted.status).toBe(201)
    const token = String(minted.body['secret'])
    expect((await list(token)).status).toBe(200)
    const { body, headers } = await gateway.api('GET', '/users/bob')
    const disabled = { name: 'bob', policies: body['policies'], isDisabled: true }
    const ifMatch = { 'if-match': headers.get('etag') ?? '' }
    expect((await gateway.api('PUT', '/users/bob', { body: disabled, headers: ifMatch })).status).toBe(200)
    expect((await gateway.api('GET', '/whoami', { bearer: bob })).status).toBe(401)
    expect((await list(token)).status).toBe(401)
  })

  it('is not told whether the name or the password is wrong', async () => {
    const answers = await Promise.all(
      [
        { user: 'admin', password: 'wrong' },
        { user: 'nobody-of-this-name', password: 'wrong' },
      ].map((body) => gateway.api('POST', '/sign-in', { bearer: null, body })),
    )
    const told = answers.map(({ status, body: { instance: _instance, ...rest } }) => ({ status, rest }))
    expect(told[0]).toEqual(told[1])
    expect(told[0]).toMatchObject({ status: 401, rest: { reason: 'no such name with this password' } })
  })
})

/** Bodies, names, versions and methods: management-bad-input.test.ts and management-bad-values.test.ts, for each operation. */
describe('what is wrong with a request', () => {
  it.each<[string, Parameters<ManagedGateway['api']>, number, string]>([
    ['no bearer', ['GET', '/teams', { bearer: null }], 401, 'unauthorized'],
    ['another bearer', ['GET', '/teams', { bearer: 'tg_wrong' }], 401, 'unauthorized'],
    ['an id that there is not', ['GET', '/teams/team_nowhere'], 404, 'no_such_resource'],
    ['a cursor of one’s own', ['GET', '/teams?cursor=nonsense!'], 400, 'invalid_params'],
    ['an unknown parameter', ['GET', '/teams?limits=1'], 400, 'invalid_params'],
    ['a limit beyond all', ['GET', '/teams?limit=100000'], 400, 'invalid_params'],
    [
      'a body that is missing',
      ['POST', '/teams', { headers: { 'content-type': 'application/json' } }],
      422,
      'invalid_body',
    ],
    ['the last admin', ['DELETE', '/users/admin'], 409, 'last_admin'],
    ['another address', ['GET', '/nowhere'], 404, 'not_found'],
  ])('is named: %s', async (...[, asked, status, code]) => {
    const before = countResources()
    const answer = await gateway.api(...asked)
    expect(answer).toMatchObject({ status, body: { status, code, type: `urn:toolgate:error:${code}` } })
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
    expect(countResources()).toBe(before)
  })
})

function countResources(): unknown {
  const database = new DatabaseSync(join(gateway.folder, '.toolgate', 'toolgate.db'), { readOnly: true })
  try {
    return JSON.stringify(database.prepare('select count(*) as n, sum(version) as versions from resource').get())
  } finally {
    database.close()
  }
}

describe('pages', () => {
  it('follow each other without a gap', async () => {
    const names = Array.from({ length: 7 }, (_, index) => `team-${index}`)
    for (const name of names) expect((await gateway.api('POST', '/teams', { body: { name } })).status).toBe(201)
    const seen: string[] = []
    let cursor: unknown = null
    do {
      const more: string = typeof cursor === 'string' ? `&cursor=${cursor}` : ''
      const { body } = await gateway.api('GET', `/teams?limit=3${more}`)
      seen.push(...(body['items'] as { name: string }[]).map(({ name }) => name))
      cursor = body['next']
    } while (cursor !== null)
    expect(seen).toEqual(names)
  })
})

describe('a request that is sent again', () => {
  it('under its key is done once, and answered as before, a secret included', async () => {
    const send = (name: string) =>
      gateway.api('POST', '/tokens', {
        body: { name, policies: ['all-of-it'] },
        headers: { 'idempotency-key': 'key-1' },
      })
    const first = await send('once')
    const again = await send('once')
    expect(first.status).toBe(201)
    expect(again).toMatchObject({ status: 201, body: first.body })
    expect((await send('another')).body).toMatchObject({ code: 'idempotency_conflict' })
    const data = readFileSync(join(gateway.folder, '.toolgate', 'toolgate.db-wal'))
    expect(data.includes(String(first.body['secret']))).toBe(false)
  })

  it('may be sent again after it has failed', async () => {
    const send = (body: object) => gateway.api('POST', '/teams', { body, headers: { 'idempotency-key': 'key-2' } })
    expect((await send({ name: 'Not A Name' })).status).toBe(422)
    expect((await send({ name: 'a-name' })).status).toBe(201)
  })
})

describe('the OpenAPI document', () => {
  it('names every operation, its bodies and its failures', async () => {
    const { status, body } = await gateway.api('GET', '/openapi.json', { bearer: null })
    expect(status).toBe(200)
    const paths = body['paths'] as Record<string, Record<string, Record<string, unknown>>>
    expect(paths['/api/v1/teams/{ref}']?.['put']).toMatchObject({
      operationId: 'replaceTeam',
      requestBody: { content: { 'application/json': { schema: { type: 'object' } } } },
      responses: { 200: {}, 401: {}, 404: {}, 412: {} },
    })
    expect(paths['/api/v1/teams']?.['post']).toMatchObject({
      parameters: [{ name: 'Idempotency-Key', in: 'header', required: false }],
      responses: { 409: { description: expect.stringContaining('outcome_unknown') } },
    })
    expect(paths['/api/v1/sign-in']?.['post']).toMatchObject({ security: [] })
  })
})
