/** A harness at the addresses of its session: what it sees, what it may call, and what becomes of it. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMemoryBus } from '#adapters/memory/bus.ts'
import { createMemorySessionStore } from '#adapters/memory/session-store.ts'
import type { HarnessMcpServerSpec } from '#contract/session.ts'
import { call, openAt, send, specOf, startBrokerLab, toServerResource, type BrokerLab } from '../support/broker-lab.ts'
import { codeOf, modernHeaders, modernMessage, parseMessage } from '../support/raw-client.ts'
import { openEvents } from '../support/raw-http.ts'
import { rawUpstream, toServer, type RawUpstream } from '../support/raw-upstream.ts'
import { resource } from '../support/resources.ts'
import { admin } from '../support/session-world.ts'
import { until } from '../support/until.ts'

let git: RawUpstream
let files: RawUpstream
let lab: BrokerLab

beforeEach(async () => {
  git = await rawUpstream({ tools: ['log', 'push'], calls: { log: (x) => x.text('a log') } })
  files = await rawUpstream({ tools: ['read', 'write'] })
  lab = await startBrokerLab({
    servers: [toServer('git', git), toServer('files', files), toServer('mail', files)],
    resources: [agent('helper', [{ server: 'srv_git' }, { server: 'srv_files', tools: ['read'] }])],
  })
})

afterEach(async () => {
  await lab[Symbol.asyncDispose]()
  await git[Symbol.asyncDispose]()
  await files[Symbol.asyncDispose]()
  assert.deepEqual(lab.defects, [])
})

const agent = (name: string, servers: readonly object[], more: object = {}) =>
  resource('agent', name, { servers, ...more })

const at = (spec: HarnessMcpServerSpec, server: string): HarnessMcpServerSpec => ({
  ...spec,
  url: spec.url.replace(/[^/]+$/, server),
})

describe('a harness', () => {
  it('calls a tool of an attached server, and sees all of its tools under their own names', async () => {
    const started = await lab.start('helper')
    const client = await openAt(specOf(started, 'git'))
    expect(await client.request('tools/list')).toMatchObject({ result: { tools: [{ name: 'log' }, { name: 'push' }] } })
    expect(parseMessage((await client.post(call('log', {}, 7))).text)).toMatchObject({
      id: 7,
      result: { content: [{ text: 'a log' }] },
    })
  })

  it('of the newest revision does so without a session', async () => {
    const spec = specOf(await lab.start('helper'), 'git')
    const message = modernMessage('tools/call', { name: 'log' })
    const answer = await send(spec, message, { headers: modernHeaders(message) })
    expect(parseMessage(answer.text)).toMatchObject({ result: { content: [{ text: 'a log' }] } })
  })

  it('is served where agent platforms look as well', async () => {
    const spec = specOf(await lab.start('helper'), 'git')
    const client = await openAt({ ...spec, url: spec.url.replace('/sessions/', '/api/v1/managed_agents/sessions/') })
    expect(codeOf(await client.post(call('log')))).toMatchObject({ content: [{ text: 'a log' }] })
  })

  it('makes its session ready by using it', async () => {
    const started = await lab.start('helper')
    const { session } = started
    expect(session.status).toBe('creating')
    await openAt(specOf(started, 'git'))
    await until('it is ready', async () => (await lab.agents.control.get(admin, session.id)).status === 'ready')
    expect((await lab.agents.control.events(admin, session.id)).map(({ kind }) => kind)).toEqual(['created', 'ready'])
  })

  it('sees of a server with a list of tools these alone, and calls no other', async () => {
    const client = await openAt(specOf(await lab.start('helper'), 'files'))
    expect(await client.request('tools/list')).toMatchObject({ result: { tools: [{ name: 'read' }] } })
    expect(codeOf(await client.post(call('read')))).toMatchObject({ content: [{ text: 'ok' }] })
    const refused = parseMessage((await client.post(call('write', {}, 'mine'))).text)
    expect(refused).toMatchObject({ id: 'mine', error: { code: -32602 } })
    expect(files.calls('write')).toEqual([])
  })

  it('is refused a call without a name, and a body that cannot be read, with nothing sent on', async () => {
    const client = await openAt(specOf(await lab.start('helper'), 'files'))
    const before = files.seen.length
    const nameless = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: {} }
    expect(parseMessage((await client.post(nameless)).text)).toMatchObject({ id: 1, error: { code: -32602 } })
    expect((await client.post('{"jsonrpc":')).status).toBe(400)
    expect(files.seen.length).toBe(before)
  })

  it('has a whole batch refused for one tool in it that it may not call', async () => {
    const client = await openAt(specOf(await lab.start('helper'), 'files'), '2025-03-26')
    const before = files.seen.length
    const refused = await client.post([call('read', {}, 1), call('write', {}, 2)])
    expect([refused.status, codeOf(refused)]).toEqual([400, 'invalid_params'])
    const nameless = [call('read', {}, 1), { jsonrpc: '2.0', id: 2, method: 'tools/call' }]
    expect((await client.post(nameless)).status).toBe(400)
    expect(files.seen.length).toBe(before)
    const answered = JSON.parse((await client.post([call('read', {}, 1), call('read', {}, 2)])).text)
    expect(answered).toHaveLength(2)
  })

  it('sees a list of tools page by page and in a stream cut in the same way', async () => {
    files.script.on = {
      'tools/list': (x) => {
        const isFirst = x.message['params']?.cursor === undefined
        const tools = [{ name: isFirst ? 'write' : 'read', inputSchema: { type: 'object' } }]
        x.finish(isFirst ? { tools, nextCursor: 'more' } : { tools })
      },
    }
    const client = await openAt(specOf(await lab.start('helper'), 'files'))
    expect(await client.request('tools/list')).toMatchObject({ result: { tools: [{ name: 'read' }] } })
  })

  it('may nothing at other methods than the three', async () => {
    const spec = specOf(await lab.start('helper'), 'git')
    for (const method of ['PUT', 'PATCH', 'OPTIONS', 'PROPFIND']) {
      const answer = await send(spec, undefined, { method })
      expect([answer.status, answer.headers['allow']]).toEqual([405, 'GET, POST, DELETE'])
    }
  })
})

describe('an agent’s policies', () => {
  it('say what its sessions call of what is attached', async () => {
    lab.put(
      resource('policy', 'readers', { rules: [{ server: '*', tool: 'log', level: 'execute' }] }),
      agent('helper', [{ server: 'srv_git' }], { policies: ['pol_readers'] }),
    )
    const client = await openAt(specOf(await lab.start('helper'), 'git'))
    expect(await client.request('tools/list')).toMatchObject({ result: { tools: [{ name: 'log' }] } })
    expect(parseMessage((await client.post(call('push'))).text)).toMatchObject({ error: { code: -32602 } })
    expect(git.calls('push')).toEqual([])
  })

  it('that deny a server whole leave it as if it were not attached', async () => {
    lab.put(
      resource('policy', 'nothing', { rules: [{ server: 'git', level: 'deny' }] }),
      agent('helper', [{ server: 'srv_git' }], { policies: ['pol_nothing'] }),
    )
    const answer = await send(specOf(await lab.start('helper'), 'git'), call('log'))
    expect([answer.status, codeOf(answer)]).toEqual([403, 'server_not_attached'])
    expect(git.seen).toEqual([])
  })
})

describe('an internal server', () => {
  it('is there for harnesses whose address is internal, and as if it were not attached for others', async () => {
    lab.put(toServerResource(toServer('git', git, { visibility: 'internal' })))
    const spec = specOf(await lab.start('helper'), 'git')
    expect(codeOf(await (await openAt(spec)).post(call('log')))).toHaveProperty('content')
    lab.knows.internalRanges = ['10.0.0.0/8']
    const refused = await send(spec, call('log'))
    expect([refused.status, codeOf(refused)]).toEqual([403, 'server_not_attached'])
    expect(git.calls('log')).toHaveLength(1)
  })
})

describe('a change', () => {
  it('of what is attached holds at the next request, on a connection and in a session that were open', async () => {
    const started = await lab.start('helper')
    const client = await openAt(specOf(started, 'git'))
    await client.request('tools/list')
    lab.put(agent('helper', [{ server: 'srv_files' }]))
    const refused = await client.post(call('log'))
    expect([refused.status, codeOf(refused)]).toEqual([403, 'server_not_attached'])
    expect(git.calls('log')).toEqual([])
  })

  it('of the list of tools as well', async () => {
    const client = await openAt(specOf(await lab.start('helper'), 'git'))
    expect(codeOf(await client.post(call('push')))).toHaveProperty('content')
    lab.put(agent('helper', [{ server: 'srv_git', tools: ['log'] }]))
    expect(codeOf(await client.post(call('push', {}, 2)))).toBe('tool_not_found')
    expect(await client.request('tools/list')).toMatchObject({ result: { tools: [{ name: 'log' }] } })
    expect(git.calls('push')).toHaveLength(1)
  })

  it('that attaches another server opens nothing to a token that was out', async () => {
    const started = await lab.start('helper')
    lab.put(agent('helper', [{ server: 'srv_git' }, { server: 'srv_mail' }]))
    const late = await send(at(specOf(started, 'git'), 'mail'), call('read'))
    expect([late.status, codeOf(late)]).toEqual([403, 'server_not_attached'])
    const again = await lab.agents.control.restart(admin, started.session.id, {})
    expect((await openAt(specOf(again, 'mail'))).id).not.toBe('')
  })

  it('of a server’s name follows the server, and opens nothing under its old name', async () => {
    const started = await lab.start('helper')
    const spec = specOf(started, 'git')
    const thief = await rawUpstream({})
    const renamed = { ...toServerResource(toServer('vcs', git)), id: 'srv_git' }
    lab.put(renamed, { ...toServerResource(toServer('git', thief)), id: 'srv_thief' })
    const stolen = await send(spec, call('log'))
    expect([stolen.status, codeOf(stolen)]).toEqual([403, 'server_not_attached'])
    expect(thief.seen).toEqual([])
    expect(codeOf(await (await openAt(at(spec, 'vcs'))).post(call('log')))).toHaveProperty('content')
    await thief[Symbol.asyncDispose]()
  })

  it('that gives its name to another server as an alias closes it, for nobody knows which is meant', async () => {
    const spec = specOf(await lab.start('helper'), 'git')
    const client = await openAt(spec)
    lab.put(toServerResource(toServer('mail', files, { aliases: ['git'] })))
    expect(codeOf(await client.post(call('log')))).toBe('server_not_attached')
  })
})

describe('the end of a session', () => {
  it('closes its streams and refuses its token at once', async () => {
    const started = await lab.start('helper')
    const spec = specOf(started, 'git')
    const client = await openAt(spec)
    const headers = { accept: 'text/event-stream', authorization: `Bearer ${spec.auth_token}`, ...client.headers }
    const stream = await openEvents(spec.url, { headers })
    expect(stream.status).toBe(200)
    await lab.agents.control.end(admin, started.session.id)
    await stream.ended
    const refused = await client.post(call('log'))
    expect([refused.status, codeOf(refused)]).toEqual([403, 'session_over'])
    expect(lab.engine.counts.sessions).toBe(0)
  })

  it('leaves other sessions of the agent as they are', async () => {
    const [one, other] = [await lab.start('helper'), await lab.start('helper')]
    const client = await openAt(specOf(other, 'git'))
    await lab.agents.control.end(admin, one.session.id)
    expect(codeOf(await client.post(call('log')))).toHaveProperty('content')
  })

  it('comes for the tokens of a run with the next run', async () => {
    const started = await lab.start('helper')
    const client = await openAt(specOf(started, 'git'))
    const again = await lab.agents.control.recover(admin, started.session.id, {})
    expect(codeOf(await client.post(call('log')))).toBe('session_over')
    expect(codeOf(await (await openAt(specOf(again, 'git'))).post(call('log')))).toHaveProperty('content')
  })
})

describe('two replicas', () => {
  /** What is promised is a second; this machine may be busy with other things. */
  const patience = { timeoutMs: 3_000 }

  it('serve each other’s sessions, and let go what the other ends', async () => {
    const shared = { sessions: createMemorySessionStore(), bus: createMemoryBus() }
    const resources = [agent('helper', [{ server: 'srv_git' }])]
    await using a = await startBrokerLab({ ...shared, resources, servers: [toServer('git', git)] })
    await using b = await startBrokerLab({ ...shared, resources, servers: [toServer('git', git)] })
    const started = await a.start('helper')
    const spec = specOf(started, 'git')
    const atB = { ...spec, url: spec.url.replace(a.url, b.url) }
    await until('b knows it', async () => codeOf(await send(atB, call('log'))) === 'session_required', patience)
    const client = await openAt(atB)
    const headers = { accept: 'text/event-stream', authorization: `Bearer ${spec.auth_token}`, ...client.headers }
    const stream = await openEvents(atB.url, { headers })
    expect(codeOf(await client.post(call('log')))).toHaveProperty('content')
    await a.agents.control.end(admin, started.session.id)
    await stream.ended
    expect(codeOf(await client.post(call('log', {}, 2)))).toBe('session_over')
  })
})

describe('a short-lived token', () => {
  it('opens what the long-lived one opens, and goes on with what that one has begun', async () => {
    const started = await lab.start('helper')
    const spec = specOf(started, 'git')
    const client = await openAt(spec)
    const { access_token: fresh } = lab.agents.control.refresh({ refresh_token: started.refreshToken })
    const answer = await send(spec, call('log'), { token: fresh, headers: client.headers })
    expect(codeOf(answer)).toMatchObject({ content: [{ text: 'a log' }] })
  })
})

describe('the audit log', () => {
  it('says for each call which session of which agent called what of which server', async () => {
    const { session, harness } = await lab.start('helper')
    const client = await openAt(specOf({ harness } as never, 'git'))
    await client.post(call('log'))
    const [event] = (await lab.audit()).filter(({ method }) => method === 'tools/call')
    expect(event).toMatchObject({
      kind: 'call',
      principalKind: 'agent',
      principalName: 'helper',
      sessionId: session.id,
      tokenId: '',
      tokenName: '',
      server: 'git',
      target: 'log',
      endpoint: 'single:git',
      effect: 'allow',
      outcome: 'ok',
    })
  })

  it('says so of what is refused as well', async () => {
    const started = await lab.start('helper')
    await send(at(specOf(started, 'git'), 'mail'), call('read'))
    const [event] = await lab.audit()
    expect(event).toMatchObject({
      kind: 'refusal',
      principalKind: 'agent',
      principalName: 'helper',
      sessionId: started.session.id,
      tokenId: '',
      effect: 'deny',
      reason: 'server_not_attached',
      endpoint: `/sessions/${started.session.id}/mcp/mail`,
    })
  })
})
