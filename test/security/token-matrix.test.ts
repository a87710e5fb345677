/** Every address × every transport × every state of a token: what docs/operations/addresses.md promises, and no word to a server on a refusal. */
import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { both, codeOf, initialize, modernHeaders, modernMessage } from '../support/raw-client.ts'
import { doors } from '../support/raw-doors.ts'
import { rawToken, startRawGateway, type RawGateway } from '../support/raw-gateway.ts'
import { exchange } from '../support/raw-http.ts'
import { rawUpstream, toServer, type RawUpstream } from '../support/raw-upstream.ts'
import { resource } from '../support/resources.ts'

/** What an address is, and what its tool is called there. */
const addresses = {
  aggregate: { path: '/mcp', tool: 'one__echo' },
  server: { path: '/one/mcp', tool: 'echo' },
  alias: { path: '/mcp/uno', tool: 'echo' },
  label: { path: '/dev/mcp', tool: 'one__echo' },
  toolset: { path: '/toolset/some/mcp', tool: 'one__echo' },
  toolsetname: { path: '/mcp/some', tool: 'one__echo' },
  list: { path: '/mcp/two,some', tool: 'one__echo' },
  project: { path: '/projects/demo/mcp', tool: 'one__echo' },
} as const
type Place = keyof typeof addresses
const places = Object.keys(addresses) as Place[]

/**
 * - `call`: the tool is called.
 * - `unseen`: the address is there, and the tool is not: `tool_not_found`.
 * - `denied`: the tool is there and may not be called: `forbidden`, in the answer.
 */
type Outcome = 401 | 403 | 404 | 'call' | 'unseen' | 'denied'
type Row = Record<Place, Outcome>

const everywhere = (outcome: Outcome): Row => ({
  aggregate: outcome,
  server: outcome,
  alias: outcome,
  label: outcome,
  toolset: outcome,
  toolsetname: outcome,
  list: outcome,
  project: outcome,
})
/** Nothing of the server may be seen. */
const hidden: Row = { ...everywhere(404), aggregate: 'unseen' }

const elsewhere = { servers: ['srv_two'] }
const bound = { owner: { kind: 'user', ref: 'usr_bound' } }

/** Token name → what its resource says, and what becomes of it. All have a policy that allows everything, unless they say another. */
const tokens: Record<string, { spec?: object; expected: Row }> = {
  good: { expected: everywhere('call') },
  revoked: { spec: { revokedAt: 1 }, expected: everywhere(401) },
  expired: { spec: { expiresAt: 1 }, expected: everywhere(401) },
  disabled: { spec: { owner: { kind: 'user', ref: 'usr_disabled' } }, expected: everywhere(401) },
  ownerless: { spec: { owner: { kind: 'user', ref: 'usr_gone' } }, expected: everywhere(401) },
  teamless: { spec: { owner: { kind: 'team', ref: 'team_gone' } }, expected: everywhere(401) },
  homeless: { spec: { project: 'prj_gone' }, expected: everywhere(401) },
  project: { spec: { project: 'prj_demo' }, expected: { ...everywhere(403), project: 'call' } },
  otherproject: { spec: { project: 'prj_other' }, expected: everywhere(403) },
  endpoint: { spec: { endpoints: ['/mcp/one'] }, expected: { ...everywhere(403), server: 'call' } },
  endpoints: {
    spec: { endpoints: ['/mcp', '/projects/demo/mcp'] },
    expected: { ...everywhere(403), aggregate: 'call', project: 'call' },
  },
  noendpoint: { spec: { endpoints: [] }, expected: everywhere(403) },
  bothbindings: { spec: { project: 'prj_demo', endpoints: ['/mcp'] }, expected: everywhere(403) },
  servers: { spec: elsewhere, expected: hidden },
  noserver: { spec: { servers: [] }, expected: hidden },
  goneserver: { spec: { servers: ['srv_gone'] }, expected: hidden },
  groups: { spec: { accessGroups: ['ops'] }, expected: hidden },
  toolsets: { spec: { toolsets: ['tls_others'] }, expected: hidden },
  tools: { spec: { tools: [{ server: 'srv_two', tool: 'echo' }] }, expected: hidden },
  othertool: {
    spec: { tools: [{ server: 'srv_one', tool: 'other' }] },
    expected: { ...everywhere('unseen'), toolset: 404, toolsetname: 404, list: 404 },
  },
  orgdenied: { spec: bound, expected: hidden },
  teamdenied: { spec: { owner: { kind: 'team', ref: 'team_denied' } }, expected: hidden },
  nothing: { spec: { policies: [] }, expected: hidden },
  gonepolicy: { spec: { policies: ['pol_everything', 'pol_gone'] }, expected: hidden },
  reader: { spec: { policies: ['pol_readers'] }, expected: everywhere('denied') },
}

/** What is no token of anybody's. */
const strangers: Record<string, string | null> = {
  none: null,
  garbage: 'Bearer garbage',
  unknown: `Bearer ${rawToken('zz')}`,
}

const resources = [
  resource('organization', 'strict', { policies: ['pol_never'] }),
  resource('user', 'bound', { role: 'admin', organization: 'org_strict' }),
  resource('user', 'disabled', { isDisabled: true }),
  resource('team', 'denied', { policies: ['pol_everything', 'pol_never'] }),
  resource('toolset', 'some', { tools: [{ server: 'srv_one', tool: 'echo' }] }),
  resource('toolset', 'others', { tools: [{ server: 'srv_two', tool: 'echo' }] }),
  resource('project', 'demo', { servers: ['srv_one'] }),
  resource('project', 'other', { servers: ['srv_one', 'srv_two'] }),
]

let one: RawUpstream
let two: RawUpstream
let gateway: RawGateway

beforeAll(async () => {
  one = await rawUpstream({ tools: ['echo', 'other'] })
  two = await rawUpstream()
  gateway = await startRawGateway({
    servers: [toServer('one', one, { labels: ['dev'], aliases: ['uno'] }), toServer('two', two, { labels: ['ops'] })],
    policies: [
      { name: 'never', rules: [{ server: 'one', tool: '*', level: 'deny' }] },
      { name: 'readers', default: 'read' },
    ],
    tokens: Object.fromEntries(Object.keys(tokens).map((name) => [name, ['everything']])),
    tokenSpecs: Object.fromEntries(Object.entries(tokens).map(([name, { spec = {} }]) => [name, spec])),
    resources,
  })
})

afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
  await one[Symbol.asyncDispose]()
  await two[Symbol.asyncDispose]()
  assert.deepEqual(gateway.defects, [])
})

/** What has reached these servers in all. */
const contacts = (...servers: RawUpstream[]): number[] =>
  servers.flatMap(({ connectionsInAll, seen }) => [connectionsInAll, seen.length])

type Refusal = { status: number; code: unknown }

/** How each transport is knocked at; a WebSocket's refusal has no body. */
const knocks: Record<string, (path: string, authorization: string | null, tool: string) => Promise<Refusal>> = {
  'HTTP, legacy': (path, authorization) => knock('POST', path, { authorization, body: initialize() }),
  'HTTP, legacy, of a session': (path, authorization) =>
    knock('POST', path, {
      authorization,
      body: { jsonrpc: '2.0', id: 1, method: 'ping' },
      headers: { 'mcp-session-id': 'mcp_x' },
    }),
  'HTTP, modern': (path, authorization, tool) => {
    const body = modernMessage('tools/call', { name: tool, arguments: {} })
    return knock('POST', path, { authorization, body, headers: modernHeaders(body) })
  },
  'HTTP, GET': (path, authorization) => knock('GET', path, { authorization }),
  'HTTP, DELETE': (path, authorization) => knock('DELETE', path, { authorization }),
  'SSE, stream': (path, authorization) => knock('GET', `${path}/sse`, { authorization }),
  'SSE, message': (path, authorization) =>
    knock('POST', `${path}/messages?sessionId=x`, { authorization, body: initialize() }),
  WebSocket: (path, authorization) => knockAtSocket(`${path}/ws`, authorization),
}

async function knock(
  method: string,
  path: string,
  request: { authorization: string | null; body?: object; headers?: Record<string, string> },
): Promise<Refusal> {
  const { authorization, body, headers = {} } = request
  const answer = await exchange(gateway.url + path, {
    method,
    headers: { ...both, ...(authorization === null ? {} : { authorization }), ...headers },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  return { status: answer.status, code: codeOf(answer) }
}

function knockAtSocket(path: string, authorization: string | null): Promise<Refusal> {
  const ws = new WebSocket(gateway.url.replace('http', 'ws') + path, 'mcp', {
    headers: authorization === null ? {} : { authorization },
  })
  return new Promise((resolve, reject) => {
    ws.once('open', () => reject(new Error('it was opened')))
    ws.once('error', reject)
    ws.once('unexpected-response', (_req, res) => resolve({ status: res.statusCode ?? 0, code: null }))
  })
}

const codes: Record<number, string> = { 401: 'unauthorized', 403: 'forbidden', 404: 'server_not_found' }

async function expectRefusal(
  status: number,
  { path, tool = 'x' }: { path: string; tool?: string },
  authorization: string | null,
): Promise<void> {
  const before = contacts(one, two)
  for (const [name, knockAt] of Object.entries(knocks)) {
    const answer = await knockAt(path, authorization, tool)
    expect({ name, ...answer }).toEqual({ name, status, code: name === 'WebSocket' ? null : codes[status] })
  }
  expect(contacts(one, two)).toEqual(before)
}

/** What the answer says, and how many calls reach the server. */
const answers = { call: ['ok', 1], unseen: ['tool_not_found', 0], denied: ['forbidden', 0] } as const

/** An aggregate of nothing asks nobody; else, to know what a server has, it is asked for its lists. */
const isAskingNobody = (place: Place, token: string): boolean =>
  place === 'aggregate' && tokens[token]?.expected === hidden

async function expectAnswer(outcome: keyof typeof answers, place: Place, token: string): Promise<void> {
  const { path, tool } = addresses[place]
  for (const door of doors) {
    const [contacted, called] = [contacts(one), one.calls('echo').length]
    const opened = await door.open(gateway, { token, path })
    const params = { name: tool, arguments: {} }
    const legacy = { jsonrpc: '2.0', id: 7, method: 'tools/call', params }
    const { message } = await opened.send(
      JSON.stringify(door.era === 'modern' ? modernMessage('tools/call', params) : legacy),
    )
    opened.close()
    const told = message['result']?.content[0].text ?? codeOf(message)
    expect([door.name, told, one.calls('echo').length - called]).toEqual([door.name, ...answers[outcome]])
    expect(isAskingNobody(place, token) ? contacts(one) : contacted).toEqual(contacted)
  }
}

describe.each(places)('at the address of a %s', (place) => {
  const address = addresses[place]

  it.each(Object.entries(strangers))('%s is refused with 401', async (_name, authorization) => {
    await expectRefusal(401, address, authorization)
  })

  it.each(Object.entries(tokens).map(([name, { expected }]) => [name, expected[place]] as const))(
    'a token %s: %s',
    { timeout: 30_000 },
    async (token, outcome) => {
      await (typeof outcome === 'number'
        ? expectRefusal(outcome, address, `Bearer ${rawToken(token)}`)
        : expectAnswer(outcome, place, token))
    },
  )
})

describe('an address of nothing', () => {
  const unknown = [
    '/nobody/mcp',
    '/mcp/nobody',
    '/toolset/nobody/mcp',
    '/projects/nobody/mcp',
    '/toolset/demo/mcp',
    '/projects/some/mcp',
    '/mcp/demo',
    '/mcp/some,nobody',
  ]

  it.each(unknown)('%s is 404 for whoever may be anywhere, 403 for who is bound, and 401 for nobody', async (path) => {
    await expectRefusal(404, { path }, `Bearer ${rawToken('good')}`)
    await expectRefusal(403, { path }, `Bearer ${rawToken('project')}`)
    await expectRefusal(403, { path }, `Bearer ${rawToken('endpoint')}`)
    await expectRefusal(401, { path }, null)
  })

  it('is refused exactly as what is hidden, and as what the token is not for', async () => {
    const ask = async (path: string, token: string) => {
      const headers = { ...both, authorization: `Bearer ${rawToken(token)}` }
      const answer = await exchange(gateway.url + path, { method: 'POST', headers, body: JSON.stringify(initialize()) })
      return [answer.status, answer.text.replaceAll(/req_[\w-]+/g, 'req')]
    }
    for (const there of ['/toolset/some/mcp', '/projects/demo/mcp', '/mcp/some', '/mcp/two,some']) {
      const nowhere = there.replace(/some|demo/, 'nobody')
      expect(await ask(there, 'servers')).toEqual(await ask(nowhere, 'servers'))
      expect(await ask(there, 'otherproject')).toEqual(await ask(nowhere, 'otherproject'))
    }
  })
})
