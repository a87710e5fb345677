/** A stateful server behind the broker, what passes while an answer is not yet there, and how seldom anybody is asked anything. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { HarnessMcpServerSpec, StartedSession } from '#contract/session.ts'
import { call, openAt, send, specOf, startBrokerLab, type BrokerLab, type McpClient } from '../support/broker-lab.ts'
import { both, codeOf, modernHeaders, modernMessage } from '../support/raw-client.ts'
import { openEvents, type RawEvents } from '../support/raw-http.ts'
import { rawUpstream, toServer, type RawUpstream, type UpstreamExchange } from '../support/raw-upstream.ts'
import { resource } from '../support/resources.ts'
import { admin } from '../support/session-world.ts'
import { until } from '../support/until.ts'

let upstream: RawUpstream
let lab: BrokerLab
let started: StartedSession
let spec: HarnessMcpServerSpec
/** Calls of the tool `held`, which the test answers. */
let held: UpstreamExchange[]

beforeEach(async () => {
  held = []
  const counts = new Map<string, number>()
  upstream = await rawUpstream({
    calls: {
      held: (x) => void held.push(x),
      count: (x) => {
        const id = String(x.req.headers['mcp-session-id'])
        counts.set(id, (counts.get(id) ?? 0) + 1)
        x.text(`${counts.get(id)} of ${id}`)
      },
    },
  })
  lab = await startBrokerLab({
    servers: [toServer('box', upstream, { isolation: 'session', timeoutMs: 10_000 })],
    resources: [resource('agent', 'helper', { servers: [{ server: 'srv_box' }] })],
  })
  started = await lab.start('helper')
  spec = specOf(started)
})

afterEach(async () => {
  await lab[Symbol.asyncDispose]()
  await upstream[Symbol.asyncDispose]()
  assert.deepEqual(lab.defects, [])
})

const stream = (client: McpClient, body: unknown): Promise<RawEvents> =>
  openEvents(spec.url, {
    method: 'POST',
    headers: { ...both, authorization: `Bearer ${spec.auth_token}`, ...client.headers },
    body: JSON.stringify(body),
  })

const textOf = (answer: unknown): string => {
  const [block] = (answer as { content: { text: string }[] }).content
  return block?.text ?? ''
}

describe('an answer that takes its time', () => {
  it('is told bit by bit: the first part is there before the server has ended', async () => {
    const client = await openAt(spec)
    const message = call('held', {}, 'long')
    message['params']._meta = { progressToken: 'p' }
    const events = stream(client, message)
    await until('the server has the call', () => held.length === 1)
    const token = held[0]?.message['params']._meta.progressToken
    held[0]?.event({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: token, progress: 1 } })
    const heard = await events
    const first = await heard.message(({ method }) => method === 'notifications/progress')
    expect(first).toMatchObject({ params: { progressToken: 'p', progress: 1 } })
    expect(heard.text()).not.toContain('"result"')
    held[0]?.finish({ content: [{ type: 'text', text: 'done' }] })
    expect(await heard.message(({ id }) => id === 'long')).toMatchObject({ result: { content: [{ text: 'done' }] } })
  })

  it('is given up at the server when the harness gives it up', async () => {
    const client = await openAt(spec)
    void client.post(call('held', {}, 'long')).catch(() => undefined)
    await until('the server has the call', () => held.length === 1)
    await client.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'long' } })
    await until('nothing is under way', () => lab.engine.counts.callsUnderWay === 0)
    await until('the server is told', () => upstream.count('notifications/cancelled') === 1)
    expect(held[0]?.res.writableFinished).toBe(false)
  })

  it('is given up at the server when the harness goes away', async () => {
    const message = modernMessage('tools/call', { name: 'held' })
    const body = JSON.stringify(message)
    const req = request(spec.url, {
      method: 'POST',
      headers: { ...both, ...modernHeaders(message), authorization: `Bearer ${spec.auth_token}` },
    })
    req.on('error', () => undefined)
    req.end(body)
    await until('the server has the call', () => held.length === 1)
    expect(lab.engine.counts.callsUnderWay).toBe(1)
    req.destroy()
    await until('nothing is under way', () => lab.engine.counts.callsUnderWay === 0)
    expect(held[0]?.res.writableFinished).toBe(false)
  })

  it('ends with the session, for the harness and for the server', async () => {
    const client = await openAt(spec)
    const answer = client.post(call('held'))
    await until('the server has the call', () => held.length === 1)
    await lab.agents.control.end(admin, started.session.id)
    await until('nothing is under way', () => lab.engine.counts.callsUnderWay === 0)
    expect((await answer).text).not.toContain('"result"')
  })
})

describe('a server with a state', () => {
  it('keeps it from call to call, apart for each client session', async () => {
    const [one, other] = [await openAt(spec), await openAt(spec)]
    const counted = []
    for (const client of [one, one, other, one])
      counted.push(textOf(codeOf(await client.post(call('count', {}, counted.length)))))
    expect(counted.map((text) => text.split(' ')[0])).toEqual(['1', '2', '1', '3'])
    expect(new Set(counted.map((text) => text.split(' of ')[1])).size).toBe(2)
    for (const text of counted) expect([one.id, other.id]).not.toContain(text.split(' of ')[1])
  })

  it('is left when the harness ends its session with DELETE', async () => {
    const client = await openAt(spec)
    await client.post(call('count'))
    const ended = await send(spec, undefined, { method: 'DELETE', headers: client.headers })
    expect(ended.status).toBe(204)
    const late = await client.post(call('count', {}, 2))
    expect([late.status, codeOf(late)]).toEqual([404, 'session_not_found'])
    expect(upstream.calls('count')).toHaveLength(1)
    expect(lab.engine.counts.sessions).toBe(0)
  })

  it('gives no client session to another agent session, whoever knows its id', async () => {
    const client = await openAt(spec)
    const other = specOf(await lab.start('helper'))
    const stolen = await send(other, call('count'), { headers: client.headers })
    expect([stolen.status, codeOf(stolen)]).toEqual([404, 'session_not_found'])
    const ended = await send(other, undefined, { method: 'DELETE', headers: client.headers })
    expect(ended.status).toBe(404)
    expect(codeOf(await client.post(call('count')))).toHaveProperty('content')
  })
})

describe('many requests', () => {
  it('ask the store nothing, and the server for its list once', async () => {
    const client = await openAt(spec)
    await until(
      'the session is ready',
      async () => (await lab.agents.control.get(admin, started.session.id)).status === 'ready',
    )
    const asked = lab.asked.store.length
    for (let count = 0; count < 20; count++) {
      await client.request('tools/list')
      await client.post(call('count', {}, count))
    }
    await Promise.all(Array.from({ length: 10 }, () => client.request('tools/list').catch(() => undefined)))
    expect(lab.asked.store.length).toBe(asked)
    expect(upstream.count('tools/list')).toBe(1)
  })

  it('of several sessions share what was found out, and keep their servers’ states apart', async () => {
    const others = await Promise.all([lab.start('helper'), lab.start('helper')])
    const clients = await Promise.all([spec, ...others.map((other) => specOf(other))].map((one) => openAt(one)))
    const counted = await Promise.all(clients.map(async (client) => textOf(codeOf(await client.post(call('count'))))))
    expect(counted.map((text) => text.split(' ')[0])).toEqual(['1', '1', '1'])
    expect(new Set(counted).size).toBe(3)
  })
})
