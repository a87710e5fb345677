/** What opens no address of the broker: the documented status for each, one and the same words for all bad tokens, and no server that hears of it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSessionKeys } from '#adapters/crypto/session-keys.ts'
import type { HarnessMcpServerSpec, StartedSession } from '#contract/session.ts'
import { mintSessionToken, type SessionClaims, type TokenGrant } from '#core/session/session-token.ts'
import { call, openAt, send, specOf, startBrokerLab, toServerResource, type BrokerLab } from '../support/broker-lab.ts'
import { codeOf } from '../support/raw-client.ts'
import { rawToken } from '../support/raw-gateway.ts'
import { exchange, type RawAnswer } from '../support/raw-http.ts'
import { rawUpstream, toServer, type RawUpstream } from '../support/raw-upstream.ts'
import { resource } from '../support/resources.ts'
import { admin } from '../support/session-world.ts'

let git: RawUpstream
let lab: BrokerLab
/** A session that runs, and one of each other kind. */
let own: StartedSession
let other: StartedSession
let foreign: StartedSession
let dead: StartedSession
let failed: StartedSession
let spec: HarnessMcpServerSpec

const agent = (name: string, more: object = {}) =>
  resource('agent', name, { servers: [{ server: 'srv_git' }], ...more })

beforeAll(async () => {
  git = await rawUpstream({ tools: ['log'] })
  lab = await startBrokerLab({
    servers: [
      toServer('git', git),
      toServer('mail', git),
      toServer('off', git, { isEnabled: false }),
      toServer('twin', git, { aliases: ['shared'] }),
      toServer('twin2', git, { aliases: ['shared'] }),
    ],
    resources: [
      agent('helper', { servers: ['srv_git', 'srv_off', 'srv_twin'].map((server) => ({ server })) }),
      agent('stranger'),
    ],
  })
  const { control } = lab.agents
  ;[own, other, foreign, dead, failed] = [
    await lab.start('helper'),
    await lab.start('helper'),
    await lab.start('stranger'),
    await lab.start('helper'),
    await lab.start('helper'),
  ]
  spec = specOf(own, 'git')
  await control.end(admin, dead.session.id)
  await control.report(admin, failed.session.id, { status: 'failed', reason: 'no room' })
})

afterAll(async () => {
  await lab[Symbol.asyncDispose]()
  await git[Symbol.asyncDispose]()
})

const seconds = (): number => Math.floor(Date.now() / 1_000)

/** Signed with the gateway's own key, as nobody but the gateway can. */
function forge(more: Partial<SessionClaims>, keys = lab.keys): string {
  const claims: Record<string, unknown> = {
    kind: 'access',
    purpose: 'mcp-session',
    agent_id: 'agt_helper',
    session_id: own.session.id,
    run: 1,
    servers: ['srv_git', 'srv_mail'],
    scope: ['mcp'],
    iat: seconds(),
    exp: seconds() + 60,
    ...more,
  }
  const signed = `tgs_${keys.current.id}_${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
  return `${signed}.${keys.current.sign(signed)}`
}

const grant = (): TokenGrant => ({
  agentId: 'agt_helper',
  sessionId: own.session.id,
  run: 1,
  servers: ['srv_git'],
  scope: ['mcp'],
  endsAt: Date.now() + 60_000,
})

const good = (): string => spec.auth_token ?? ''

function tampered(part: 'claims' | 'mac'): string {
  const [claims = '', mac = ''] = good().split('.')
  if (part === 'mac') return `${claims}.${mac.startsWith('A') ? 'B' : 'A'}${mac.slice(1)}`
  const [prefix, id, payload = ''] = claims.split('_', 3)
  const changed = Buffer.from(payload + claims.split('_').slice(3).join('_'), 'base64url')
    .toString()
    .replace('"run":1', '"run":2')
  return `${prefix}_${id}_${Buffer.from(changed).toString('base64url')}.${mac}`
}

const stranger = createSessionKeys({ current: Buffer.alloc(32, 'x'), previous: null })

/** What no one is let in with. */
const strangers: readonly (readonly [what: string, authorization: () => string | undefined])[] = [
  ['no header', () => undefined],
  ['an empty header', () => ''],
  ['no scheme', () => good()],
  ['another scheme', () => `Basic ${good()}`],
  ['a scheme alone', () => 'Bearer '],
  ['garbage', () => 'Bearer garbage'],
  ['a JWT that says it needs no signature', () => 'Bearer eyJhbGciOiJub25lIn0.eyJzZXNzaW9uX2lkIjoieCJ9.'],
  ['two tokens', () => `Bearer ${good()} ${good()}`],
  ['a tampered claim', () => `Bearer ${tampered('claims')}`],
  ['a tampered MAC', () => `Bearer ${tampered('mac')}`],
  ['no MAC', () => `Bearer ${good().split('.')[0]}.`],
  ['another key', () => `Bearer ${mintSessionToken('mcp-session', grant(), { keys: stranger, now: Date.now() }).text}`],
  [
    'another key under the id of ours',
    () => `Bearer ${forge({}, { ...stranger, current: { ...stranger.current, id: lab.keys.current.id } })}`,
  ],
  ['an expired token', () => `Bearer ${forge({ exp: seconds() - 1 })}`],
  ['a token without an end', () => `Bearer ${forge({ exp: undefined as never })}`],
  ['a token with an end that is a text', () => `Bearer ${forge({ exp: '9999999999' as never })}`],
  ['a refresh token', () => `Bearer ${own.refreshToken}`],
  ['a refresh token that says it is an access token', () => `Bearer ${forge({ purpose: 'refresh' })}`],
  ['another scope', () => `Bearer ${forge({ scope: ['memory'] })}`],
  ['a token of no session', () => `Bearer ${forge({ session_id: undefined as never })}`],
  ['an operator’s token', () => `Bearer ${rawToken('a')}`],
  ['a token of 20 kB', () => `Bearer tgs_${'A'.repeat(20_000)}`],
]

/** Sent to an address; `undefined` sends no header. */
function knock(at: HarnessMcpServerSpec, authorization: string | undefined, method = 'POST'): Promise<RawAnswer> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(authorization === undefined ? {} : { authorization }),
  }
  const body = method === 'POST' ? { body: JSON.stringify(call('log')) } : {}
  return exchange(at.url, { method, headers, ...body })
}

const withoutRequestId = ({ status, headers, text }: RawAnswer): unknown => {
  const { date: _date, 'content-length': _length, ...rest } = headers
  return [status, rest, text.replace(/"requestId":"[^"]*"/, '"requestId":""')]
}

const at = (path: string): HarnessMcpServerSpec => ({ ...spec, url: lab.url + path })

describe('a stranger', () => {
  it.each(strangers)(
    'with %s is told one and the same at every address, and nobody is asked',
    async (_what, authorization) => {
      const [seen, stored] = [git.seen.length, lab.asked.store.length]
      const paths = [
        `/sessions/${own.session.id}/mcp/git`,
        `/sessions/${dead.session.id}/mcp/git`,
        '/sessions/ses_00000000000000000000/mcp/git',
        `/api/v1/managed_agents/sessions/${own.session.id}/mcp/nothing`,
      ]
      const reference = withoutRequestId(await knock(spec, undefined))
      for (const path of paths)
        for (const method of ['POST', 'GET', 'DELETE', 'PUT'])
          expect(withoutRequestId(await knock(at(path), authorization(), method))).toEqual(reference)
      expect(reference).toMatchObject([401, {}, expect.stringContaining('"code":"unauthorized"')])
      expect([git.seen.length, lab.asked.store.length]).toEqual([seen, stored])
    },
  )
})

type Row = readonly [what: string, status: number, code: string, knocking: () => Promise<RawAnswer>]

const token = (started: StartedSession): string => `Bearer ${specOf(started, 'git').auth_token}`

const rows: readonly Row[] = [
  ['another agent’s token', 403, 'forbidden', () => knock(spec, token(foreign))],
  ['another session’s token', 403, 'forbidden', () => knock(spec, token(other))],
  [
    'another agent’s token, at a session that has ended',
    403,
    'forbidden',
    () => knock(specOf(dead, 'git'), token(foreign)),
  ],
  [
    'another agent’s token, at a session that there is not',
    403,
    'forbidden',
    () => knock(at('/sessions/ses_00000000000000000000/mcp/git'), token(foreign)),
  ],
  [
    'a token that names another agent of this session',
    403,
    'forbidden',
    () => knock(spec, `Bearer ${forge({ agent_id: 'agt_stranger' })}`),
  ],
  [
    'the token of a session that there is not',
    404,
    'session_not_found',
    () =>
      knock(
        at('/sessions/ses_00000000000000000000/mcp/git'),
        `Bearer ${forge({ session_id: 'ses_00000000000000000000' })}`,
      ),
  ],
  ['a dead session', 403, 'session_over', () => knock(specOf(dead, 'git'), token(dead))],
  ['a failed session', 403, 'session_over', () => knock(specOf(failed, 'git'), token(failed))],
  ['a token of another run', 403, 'session_over', () => knock(spec, `Bearer ${forge({ run: 2 })}`)],
  [
    'a server that is not attached',
    403,
    'server_not_attached',
    () => knock(at(`/sessions/${own.session.id}/mcp/mail`), token(own)),
  ],
  [
    'a server that is not attached, and named by the token',
    403,
    'server_not_attached',
    () => knock(at(`/sessions/${own.session.id}/mcp/mail`), `Bearer ${forge({})}`),
  ],
  [
    'a server that is attached, and not named by the token',
    403,
    'server_not_attached',
    () => knock(spec, `Bearer ${forge({ servers: ['srv_mail'] })}`),
  ],
  ['a token that names no server', 403, 'server_not_attached', () => knock(spec, `Bearer ${forge({ servers: [] })}`)],
  [
    'a token that names a server by its name',
    403,
    'server_not_attached',
    () => knock(spec, `Bearer ${forge({ servers: ['git'] })}`),
  ],
  [
    'a server that there is not',
    403,
    'server_not_attached',
    () => knock(at(`/sessions/${own.session.id}/mcp/nothing`), token(own)),
  ],
  [
    'a server’s id in the place of its name',
    403,
    'server_not_attached',
    () => knock(at(`/sessions/${own.session.id}/mcp/srv_git`), token(own)),
  ],
  [
    'a server that is switched off',
    403,
    'server_not_attached',
    () => knock(at(`/sessions/${own.session.id}/mcp/off`), `Bearer ${forge({ servers: ['srv_off'] })}`),
  ],
  [
    'a name of two servers, one of them attached',
    403,
    'server_not_attached',
    () => knock(at(`/sessions/${own.session.id}/mcp/shared`), `Bearer ${forge({ servers: ['srv_twin'] })}`),
  ],
  [
    'a path in the place of a name',
    403,
    'server_not_attached',
    () => knock(at(`/sessions/${own.session.id}/mcp/..%2Fmcp%2Fgit`), token(own)),
  ],
  [
    'a name in look-alike letters',
    403,
    'server_not_attached',
    () => knock(at(`/sessions/${own.session.id}/mcp/g%D1%96t`), token(own)),
  ],
  [
    'a name in capitals',
    403,
    'server_not_attached',
    () => knock(at(`/sessions/${own.session.id}/mcp/GIT`), token(own)),
  ],
]

describe('a valid token', () => {
  it.for(rows)('opens nothing with %s: %i %s, and no server hears of it', async ([, status, code, knocking]) => {
    const seen = git.seen.length
    const answer = await knocking()
    expect([answer.status, codeOf(answer)]).toEqual([status, code])
    expect(git.seen.length).toBe(seen)
    expect(await lab.audit()).toContainEqual(expect.objectContaining({ effect: 'deny', reason: code }))
  })

  it('is what these are but for what is wrong with them', async () => {
    const answers = [await knock(spec, token(own)), await knock(spec, `Bearer ${forge({})}`)]
    // Let in, and asked for the MCP session that it should have opened.
    expect(answers.map(codeOf)).toEqual(['session_required', 'session_required'])
  })

  it('tells who has another session’s token nothing of this one: the same words for what there is and what there is not', async () => {
    const answers = [
      await knock(spec, token(foreign)),
      await knock(specOf(dead, 'git'), token(foreign)),
      await knock(at('/sessions/ses_00000000000000000000/mcp/git'), token(foreign)),
      await knock(at(`/sessions/${own.session.id}/mcp/nothing`), token(foreign)),
      await knock(at('/sessions/x/mcp/y'), token(foreign)),
    ].map(withoutRequestId)
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
  })

  it('opens nothing while what is known is too old: 503, worth another try, and no server hears of it', async () => {
    const client = await openAt(spec)
    const seen = git.seen.length
    lab.knows.isCurrent = false
    try {
      for (const answer of [await knock(spec, token(own)), await client.post(call('log'))]) {
        expect([answer.status, codeOf(answer), answer.headers['retry-after']]).toEqual([
          503,
          'storage_unavailable',
          '1',
        ])
      }
      expect(git.seen.length).toBe(seen)
    } finally {
      lab.knows.isCurrent = true
    }
    expect(codeOf(await client.post(call('log')))).toHaveProperty('content')
  })

  it('of a session is nothing elsewhere', async () => {
    const seen = git.seen.length
    for (const path of ['/mcp', '/git/mcp', '/mcp/sse', '/projects/x/mcp']) {
      const answer = await knock(at(path), token(own), path.endsWith('sse') ? 'GET' : 'POST')
      expect([path, answer.status]).toEqual([path, 401])
    }
    expect(git.seen.length).toBe(seen)
  })

  it('is nothing to the server behind, which never sees it', async () => {
    const client = await openAt(spec)
    await client.post(call('log'))
    expect(git.calls('log').length).toBeGreaterThan(0)
    expect(JSON.stringify(git.seen.map(({ headers, text, path }) => [headers, text, path]))).not.toContain('tgs_')
  })

  it('is looked up again for each change: a connection remembers nothing that is over', async () => {
    const started = await lab.start('helper')
    const client = await openAt(specOf(started, 'git'))
    lab.put(toServerResource(toServer('git', git, { isEnabled: false })))
    expect(codeOf(await client.post(call('log')))).toBe('server_not_attached')
    lab.put(toServerResource(toServer('git', git)))
    expect((await send(specOf(started, 'git'), call('log'))).status).not.toBe(403)
  })
})
