/** The gateway's credential for a server, an operator's token and the signing key reach no agent, on whatever path an answer takes. */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import type { StartedSession } from '#contract/session.ts'
import { call, openAt, send, specOf, startBrokerLab, toServerResource, type BrokerLab } from '../support/broker-lab.ts'
import { plant } from '../support/planted.ts'
import { modernHeaders, modernMessage } from '../support/raw-client.ts'
import { rawToken } from '../support/raw-gateway.ts'
import { exchange, openEvents, type RawAnswer } from '../support/raw-http.ts'
import { rawUpstream, toServer, type Handler, type RawUpstream, type UpstreamScript } from '../support/raw-upstream.ts'
import { resource } from '../support/resources.ts'
import { admin, caller } from '../support/session-world.ts'

const credential = plant('credential')
const signingKey = plant('signing-key')
const operatorToken = rawToken('a')

/** As they are, and as they could be spelt. */
const canaries = [
  credential,
  signingKey,
  operatorToken,
  ...[credential, signingKey, operatorToken].flatMap((text) => [
    Buffer.from(text).toString('base64').replace(/=+$/, ''),
    Buffer.from(text).toString('base64url'),
    Buffer.from(text).toString('hex'),
  ]),
]

let lab: BrokerLab
let git: RawUpstream
let seen: string[]

beforeEach(() => {
  seen = []
})

afterEach(async () => {
  await lab[Symbol.asyncDispose]()
  await git[Symbol.asyncDispose]()
})

async function start(script: UpstreamScript, more: object = {}): Promise<StartedSession> {
  git = await rawUpstream(script)
  lab = await startBrokerLab({
    signingKey,
    servers: [toServer('git', git, { credential: { kind: 'bearer', token: credential }, timeoutMs: 500, ...more })],
    resources: [resource('agent', 'helper', { harness: 'claude-agent-sdk', servers: [{ server: 'srv_git' }] })],
  })
  return lab.start('helper')
}

function note(...told: unknown[]): void {
  for (const one of told) seen.push(typeof one === 'string' ? one : JSON.stringify(one))
}

function noteAnswer({ status, headers, text }: RawAnswer): void {
  note([status, headers, text])
}

/** All that anybody but the server itself can see. */
async function expectNothingSeen(): Promise<void> {
  note(await lab.audit(), lab.changes, lab.troubles, lab.defects.map(String))
  const text = seen.join('\n')
  assert.ok(text.length > 500, 'something was seen')
  for (const canary of canaries) assert.ok(!text.includes(canary), `${canary} was seen`)
  assert.deepEqual(lab.defects, [])
}

/** What a harness does, at one address. */
async function useSession(started: StartedSession): Promise<void> {
  const spec = specOf(started, 'git')
  const init = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'harness', version: '1' } }
  noteAnswer(await send(spec, { jsonrpc: '2.0', id: 1, method: 'initialize', params: init }))
  for (const method of ['server/discover', 'tools/list', 'tools/call', 'prompts/list', 'resources/list']) {
    const message = modernMessage(method, method === 'tools/call' ? { name: 'log' } : {})
    noteAnswer(await send(spec, message, { headers: modernHeaders(message) }))
  }
  const client = await openAt(spec).catch(() => null)
  if (!client) return
  noteAnswer(await client.post(call('log')))
  noteAnswer(await client.post({ jsonrpc: '2.0', id: 2, method: 'tools/list' }))
  noteAnswer(await client.post({ jsonrpc: '2.0', id: 3, method: 'resources/read', params: { uri: 'file:///x' } }))
  const headers = { accept: 'text/event-stream', authorization: `Bearer ${spec.auth_token}`, ...client.headers }
  const stream = await openEvents(spec.url, { headers })
  noteAnswer(await send(spec, undefined, { method: 'DELETE', headers: client.headers }))
  await stream.ended
  note(stream.text(), stream.headers)
}

describe('what an agent’s platform is given', () => {
  it('holds a session’s token, and none of ours', async () => {
    const started = await start({ tools: ['log'] })
    const { control } = lab.agents
    note(
      started,
      await control.restart(admin, started.session.id, {}),
      await control.recover(admin, started.session.id, {}),
    )
    note(await control.get(admin, started.session.id), await control.list(admin, {}))
    note(await control.events(admin, started.session.id), control.refresh({ refresh_token: started.refreshToken }))
    for (const attempt of [
      control.create(admin, { agent: 'nobody' }),
      control.create(admin, { agent: 'helper', key: operatorToken }),
      control.restart(caller([]), started.session.id, {}),
      control.report(admin, started.session.id, { status: 'gone' }),
    ])
      note(
        await attempt
          .then(() => 'done')
          .catch((error: unknown) => (error instanceof GatewayError ? [error.code, error.details] : String(error))),
      )
    expect(seen.join()).toContain(specOf(started).auth_token)
    await expectNothingSeen()
  })
})

describe('what an agent sees', () => {
  it('on success is the server’s answer; and the server sees our credential, and never the agent’s token', async () => {
    const started = await start({ tools: ['log'] })
    await useSession(started)
    await expectNothingSeen()
    const sent = git.seen.map(({ headers, text, path }) => JSON.stringify([headers, text, path]))
    expect(sent.length).toBeGreaterThan(5)
    for (const text of sent) expect(text).not.toContain('tgs_')
    for (const { headers } of git.seen) expect(headers['authorization']).toBe(`Bearer ${credential}`)
    expect(seen.join()).not.toContain(specOf(started).auth_token)
  })

  it('at every refusal is ours', async () => {
    const started = await start({ tools: ['log'] })
    const spec = specOf(started, 'git')
    const tokens = [
      null,
      'garbage',
      operatorToken,
      started.refreshToken,
      specOf(await lab.start('helper')).auth_token ?? '',
    ]
    for (const token of tokens)
      for (const method of ['POST', 'GET', 'DELETE', 'PUT'])
        noteAnswer(await send(spec, method === 'POST' ? call('log') : undefined, { token, method }))
    for (const path of ['/sessions/x/mcp/git', `/sessions/${started.session.id}/mcp/other`])
      noteAnswer(await send({ ...spec, url: lab.url + path }, call('log')))
    for (const body of ['', '{', '[]', '{"jsonrpc":"2.0"}', 'x'.repeat(5_000_000)])
      noteAnswer(await send(spec, body).catch(() => ({ status: 0, headers: {}, text: 'closed' })))
    await lab.agents.control.end(admin, started.session.id)
    noteAnswer(await send(spec, call('log')))
    // What strangers sent is not repeated either.
    expect(seen.join()).not.toContain('garbage')
    await expectNothingSeen()
  })
})

/** Says back all that it was sent, wherever a word of a server could leave by. */
const echoing =
  (status: number): Handler =>
  ({ req, res }) => {
    const secrets = JSON.stringify(req.headers)
    res.writeHead(status, `Refused ${credential}`, {
      'content-type': 'application/json',
      'www-authenticate': `Bearer realm="${credential}", error_description="the key ${credential} is not valid"`,
      'set-cookie': `session=${credential}; Path=/`,
      location: `http://127.0.0.1:1/?key=${credential}`,
      'x-litellm-key': credential,
      server: credential,
      'mcp-session-id': credential,
      'retry-after': '1',
    })
    res.end(JSON.stringify({ error: `you sent ${secrets}` }))
  }

const mad: readonly (readonly [string, Handler])[] = [
  ['a result that is none', (x) => x.json({ headers: x.req.headers })],
  [
    'a page',
    ({ req, res }) => void res.writeHead(200, { 'content-type': 'text/html' }).end(JSON.stringify(req.headers)),
  ],
  ['broken JSON', (x) => x.json(`{"${credential}`)],
  ['a stream that breaks off', (x) => (x.events(`data: {"${credential}`), void x.res.destroy())],
  [
    'a stream that breaks off after a message',
    (x) => {
      x.event({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'working' } })
      x.res.destroy()
    },
  ],
  ['a broken head', (x) => void x.res.socket?.end(`HTTP/1.1 200 OK\r\n${credential} ${credential}\r\n\r\n`)],
  ['an answer to another question', (x) => x.json({ jsonrpc: '2.0', id: credential, result: {} })],
  ['nothing for too long', () => undefined],
]

describe('a server that turns against the gateway', () => {
  it.each([301, 302, 307, 308, 400, 401, 402, 403, 404, 407, 429, 431, 500, 502, 503])(
    'and says back what it was sent with %i surfaces nowhere',
    async (status) => {
      const handler = echoing(status)
      for (const on of [{ '*': handler }, { 'tools/call': handler }, { GET: handler, DELETE: handler }]) {
        const started = await start({ tools: ['log'], on })
        await useSession(started)
        await expectNothingSeen()
        await lab[Symbol.asyncDispose]()
        await git[Symbol.asyncDispose]()
      }
      expect.assertions(0)
    },
  )

  it.each(mad)('and answers with %s surfaces nowhere', async (_what, handler) => {
    for (const on of [{ '*': handler }, { 'tools/call': handler }, { 'tools/list': handler }]) {
      const started = await start({ tools: ['log'], on })
      await useSession(started)
      await expectNothingSeen()
      await lab[Symbol.asyncDispose]()
      await git[Symbol.asyncDispose]()
    }
    expect.assertions(0)
  })

  it.each([
    [401, 'upstream_auth_failed', 502],
    [403, 'upstream_auth_failed', 502],
    [302, 'upstream_redirected', 502],
    [500, 'upstream_unreachable', 502],
  ])('with %i never looks as if the agent’s own token had failed: %s', async (status, code, shown) => {
    const started = await start({ on: { '*': echoing(status) } })
    const init = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'harness', version: '1' } }
    const opened = await send(specOf(started), { jsonrpc: '2.0', id: 1, method: 'initialize', params: init })
    expect([opened.status, JSON.parse(opened.text).error.data.code]).toEqual([shown, code])
    expect(opened.headers).not.toHaveProperty('www-authenticate')
  })

  it('is said to be late when it is late', async () => {
    const started = await start({ on: { '*': () => undefined } })
    const init = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'harness', version: '1' } }
    const opened = await send(specOf(started), { jsonrpc: '2.0', id: 1, method: 'initialize', params: init })
    expect([opened.status, JSON.parse(opened.text).error.data.code]).toEqual([504, 'upstream_timeout'])
  })
})

describe('headers', () => {
  const ofTheAgent = {
    cookie: 'session=of-the-agent',
    'x-api-key': 'of-the-agent',
    'x-litellm-api-key': 'of-the-agent',
    'proxy-authorization': 'Basic of-the-agent',
    'x-forwarded-for': '10.1.2.3',
    'x-forwarded-host': 'of-the-agent',
    forwarded: 'for=10.1.2.3',
    'x-mcp-servers': 'git',
    'x-custom': 'of-the-agent',
    'user-agent': 'of-the-agent',
    te: 'trailers',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  }

  it('of the agent that go on are trace context alone', async () => {
    const started = await start({ tools: ['log'] })
    const client = await openAt(specOf(started))
    await send(specOf(started), call('log'), { headers: { ...ofTheAgent, ...client.headers } })
    const [sent] = git.calls('log')
    expect(JSON.stringify(sent?.headers)).not.toMatch(/of-the-agent|10\.1\.2\.3|x-mcp-servers/)
    expect(sent?.headers).toMatchObject({ traceparent: ofTheAgent.traceparent, 'content-type': 'application/json' })
    expect(sent?.headers).not.toHaveProperty('cookie')
    expect(sent?.headers['host']).toBe(`127.0.0.1:${git.port}`)
  })

  it('of the server that come back are none but those of the protocol', async () => {
    const extra = {
      'set-cookie': 'a=of-the-server',
      'www-authenticate': 'of-the-server',
      server: 'of-the-server',
      'x-litellm-key': 'of-the-server',
      'x-custom': 'of-the-server',
      'access-control-allow-origin': 'of-the-server',
    }
    const started = await start({ calls: { log: (x) => x.result({ content: [] }, extra) } })
    const client = await openAt(specOf(started))
    const { headers } = await client.post(call('log'))
    const known = ['content-type', 'content-length', 'date', 'connection', 'keep-alive']
    expect(Object.keys(headers).filter((name) => !known.includes(name))).toEqual([])
  })
})

describe('the agent’s token', () => {
  it('is refused by the server itself, where it is presented directly', async () => {
    const digest = (text: string | undefined): string => hash('sha256', text ?? '')
    const guarded: Handler = (x) => {
      if (digest(x.req.headers.authorization) === digest(`Bearer ${credential}`)) x.text('in')
      else x.json({ error: 'no' }, 401)
    }
    const started = await start({ tools: ['log'], on: { 'tools/call': guarded } })
    const client = await openAt(specOf(started))
    expect((await client.post(call('log'))).text).toContain('"in"')
    const direct = await exchange(git.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${specOf(started).auth_token}` },
      body: JSON.stringify(call('log')),
    })
    expect(direct.status).toBe(401)
  })
})

describe('a credential that changes', () => {
  it('is used from the next call on, and neither of them is seen', async () => {
    const started = await start({ tools: ['log'] })
    const client = await openAt(specOf(started))
    await client.post(call('log'))
    const renewed = { credential: { kind: 'bearer', token: `${credential}-renewed` } }
    lab.put(toServerResource(toServer('git', git, renewed)))
    const again = await openAt(specOf(started))
    noteAnswer(await again.post(call('log', {}, 2)))
    note('x'.repeat(500))
    expect(git.calls('log').map(({ headers }) => headers['authorization'])).toEqual([
      `Bearer ${credential}`,
      `Bearer ${credential}-renewed`,
    ])
    await expectNothingSeen()
  })
})
