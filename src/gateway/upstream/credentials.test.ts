/** How an upstream's pool lives with credentials that are their users' own, and that end and are renewed. */
import { beforeEach, describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import type { JsonObject } from '#core/protocol/json-rpc.ts'
import type { ServerCredential } from '#core/credential/lease.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import { failureOf } from '#test/support/failure.ts'
import { FakeChannelWire } from '#test/support/fake-channel.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { FakeCredential } from '#test/support/fake-credential.ts'
import { FakeHttpWire, legacyHttpScript, type FakeExchange } from '#test/support/fake-http-wire.ts'
import { server, upstream, user, type Told } from '#test/support/upstreams.ts'
import { tryTwice } from './second-chance.ts'
import type { SessionUser } from './session-user.ts'
import type { Upstream } from './upstream.ts'
import type { Answer } from './upstream-session.ts'

const [ann, bob] = ['ann', 'bob'].map((id) => user(id, {}, { userId: id, teamId: null })) as [SessionUser, SessionUser]
const transport = {
  kind: 'streamable_http',
  url: 'http://a.example/mcp',
  headers: {},
  credential: { kind: 'none' },
} as const
const challenge = 'Bearer resource_metadata="https://a.example/.well-known/oauth-protected-resource"'

let wire: FakeHttpWire
let credential: FakeCredential
let told: Told
/** Bearers that the upstream refuses, and how. */
let refused: Map<string, number>

function open(
  isolation: 'principal' | 'shared' = 'principal',
  authenticating: ServerCredential = credential,
): Upstream {
  const serve = legacyHttpScript({ tools: {} }, { 'tools/call': (one: FakeExchange) => one.result({ content: [] }) })
  wire = new FakeHttpWire((one) => {
    const status = refused.get(one.header('authorization') ?? '')
    if (status === undefined) serve(one)
    else one.empty(status, { 'www-authenticate': challenge })
  })
  const wires = { kind: 'http' as const, http: wire, sse: new FakeChannelWire() }
  return upstream(server('files', { transport, isolation }), {
    clock: new FakeClock(),
    wires,
    told,
    credential: authenticating,
  })
}

const bearersOf = (method: string): (string | undefined)[] =>
  wire.exchanges.filter(({ body }) => body['method'] === method).map((one) => one.header('authorization'))

function call(files: Upstream, by: SessionUser): Promise<Answer> {
  const params: JsonObject = { name: 'a' }
  const hooks = {
    notify: () => undefined,
    ask: () => Promise.reject(new Error('asked')),
    cancellation: new Cancellation(),
  }
  return tryTwice(
    () => files.place(by),
    (session) => session.call({ method: 'tools/call', params, headers: [], raw: null }, hooks),
  )
}

beforeEach(() => {
  credential = new FakeCredential()
  credential.connect('ann', 'one')
  credential.connect('bob', 'two')
  told = { changes: [], troubles: [] }
  refused = new Map()
})

describe('the pool', () => {
  it.each(['principal', 'shared'] as const)(
    'gives each owner a session of its own where isolation is %s',
    async (isolation) => {
      const files = open(isolation)
      expect(files.place(ann)).not.toBe(files.place(bob))
      await Promise.all([call(files, ann), call(files, bob), call(files, ann)])
      expect(new Set(bearersOf('initialize'))).toEqual(new Set(['Bearer one', 'Bearer two']))
      expect(bearersOf('initialize')).toHaveLength(2)
      expect(bearersOf('tools/call').filter((bearer) => bearer === 'Bearer one')).toHaveLength(2)
    },
  )

  it('keeps lists apart by owner', () => {
    const files = open('shared')
    expect(files.listKey(ann)).not.toBe(files.listKey(bob))
  })

  it('contacts nobody for who has no credential', async () => {
    const files = open()
    const error = await failureOf(call(files, user('eve', {}, { userId: 'eve', teamId: null })))
    expect(error.code).toBe('credential_required')
    expect(wire.exchanges).toEqual([])
  })
})

it('is signed for each request or not used: what has no single requests is not tried in place of HTTP', async () => {
  const lease = { owner: '', headers: [], sign: () => ['authorization', 'signed'] }
  const signing = { ownerOf: () => '', lease: () => lease, rejected: () => Promise.resolve(lease) }
  const sse = new FakeChannelWire()
  wire = new FakeHttpWire((one) => one.empty(405))
  const wires = { kind: 'http' as const, http: wire, sse }
  const files = upstream(server('files', { transport }), { clock: new FakeClock(), wires, credential: signing })
  expect(await failureOf(call(files, ann))).toMatchObject({ code: 'upstream_protocol', details: { status: 405 } })
  expect(bearersOf('initialize')).toEqual(['signed'])
  expect(sse.channels).toEqual([])
})

describe('a credential that is refused', () => {
  it('is renewed and tried once more, in the session that is open', async () => {
    const files = open()
    await call(files, ann)
    refused.set('Bearer one', 401)
    expect(await call(files, ann)).toMatchObject({ result: { content: [] } })
    expect(bearersOf('initialize')).toEqual(['Bearer one'])
    expect(bearersOf('tools/call')).toEqual(['Bearer one', 'Bearer one', 'Bearer renewed-1'])
    expect(credential.refusals).toEqual([
      { status: 401, challenge, isLast: false, sent: ['authorization', 'Bearer one'] },
    ])
  })

  it('is renewed where it is refused at the opening already', async () => {
    refused.set('Bearer one', 401)
    const files = open()
    expect(await call(files, ann)).toMatchObject({ result: { content: [] } })
    expect(bearersOf('initialize')).toEqual(['Bearer one', 'Bearer renewed-1'])
  })

  it('is tried twice and not three times', async () => {
    refused.set('Bearer one', 401).set('Bearer renewed-1', 403)
    const files = open()
    expect(await failureOf(call(files, ann))).toMatchObject({ code: 'credential_required' })
    expect(credential.refusals.map(({ status, isLast }) => [status, isLast])).toEqual([
      [401, false],
      [403, true],
    ])
  })

  it('is renewed once for all calls that it was refused to', async () => {
    const files = open()
    await call(files, ann)
    refused.set('Bearer one', 401)
    await Promise.all([call(files, ann), call(files, ann), call(files, ann)])
    expect(new Set(bearersOf('tools/call'))).toEqual(new Set(['Bearer one', 'Bearer renewed-1']))
  })

  it('of the gateway is renewed also where the server has failed just before, and is left alone where it cannot be', async () => {
    credential.connect('', 'one')
    const files = open()
    const everybody = user('eve')
    refused.set('Bearer one', 503)
    expect(await failureOf(call(files, everybody))).toMatchObject({ code: 'upstream_unreachable' })
    refused.set('Bearer one', 401)
    expect(await call(files, everybody)).toMatchObject({ result: { content: [] } })
    await files.close()
    const other = open()
    credential.canRenew = false
    refused.set('Bearer renewed-1', 401)
    for (let time = 0; time < 5; time++) await failureOf(call(other, everybody))
    expect(bearersOf('initialize').length).toBeLessThan(5)
  })

  it('leaves the server as it was for everybody else', async () => {
    credential.canRenew = false
    refused.set('Bearer one', 401)
    const files = open()
    expect(await failureOf(call(files, ann))).toMatchObject({ code: 'credential_required' })
    expect(files.state).toEqual({ state: 'idle', reason: undefined })
    expect(told.troubles).toEqual([])
    expect(await call(files, bob)).toMatchObject({ result: { content: [] } })
  })

  it('says nothing of the upstream’s words in what is told', async () => {
    refused.set('Bearer one', 407)
    const error = await failureOf(call(open(), ann))
    expect(error).toMatchObject({ code: 'upstream_auth_failed', details: { status: 407 } })
    expect(`${JSON.stringify(error)} ${String(error)}`).not.toContain('resource_metadata')
    expect(credential.refusals).toEqual([])
  })
})

describe('what is taken back', () => {
  it('ends the sessions that were opened with it, and nobody else’s', async () => {
    const files = open()
    await Promise.all([call(files, ann), call(files, bob)])
    credential.disconnect('ann')
    await files.credentialChanged('ann')
    expect(files.place(ann).session).toBeUndefined()
    expect(files.place(bob).session).toBeDefined()
    expect(wire.exchanges.filter(({ request }) => request.method === 'DELETE')).toHaveLength(1)
  })

  it('ends those of the account that another one takes the place of, and not those of one that was renewed', async () => {
    const files = open()
    await Promise.all([call(files, ann), call(files, bob)])
    credential.connect('ann', 'another')
    credential.replace('bob', 'renewed')
    await Promise.all([files.credentialChanged('ann'), files.credentialChanged('bob')])
    expect(files.place(ann).session).toBeUndefined()
    expect(files.place(bob).session).toBeDefined()
  })

  it('ends none where it cannot be said whether it was', async () => {
    const files = open()
    await call(files, ann)
    credential.failure = new GatewayError('credential_unavailable')
    await files.credentialChanged('ann')
    expect(files.place(ann).session).toBeDefined()
  })
})

describe('a session that a team shares', () => {
  it('goes on with the team’s credential for who is in it, when who opened it has another team by now', async () => {
    const teams = new Map([
      ['ann', 'blue'],
      ['bob', 'blue'],
    ])
    const leases = new Map(
      ['blue', 'green'].map((team) => [team, { owner: team, headers: ['authorization', `Bearer ${team}`] }]),
    )
    const teamOf = ({ userId }: SessionUser['holder']): string => teams.get(userId ?? '') ?? ''
    const files = open('shared', {
      ownerOf: teamOf,
      lease: (holder) => leases.get(teamOf(holder)) ?? { owner: '', headers: [] },
      rejected: () => Promise.reject(new Error('refused')),
    })
    await Promise.all([call(files, ann), call(files, bob)])
    teams.set('ann', 'green')
    await call(files, bob)
    expect(new Set(bearersOf('tools/call'))).toEqual(new Set(['Bearer blue']))
    await call(files, ann)
    expect(bearersOf('tools/call').at(-1)).toBe('Bearer green')
  })
})
