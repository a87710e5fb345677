import { beforeEach, describe, expect, it } from 'vitest'
import type { JsonObject, RpcMessage } from '#core/protocol/json-rpc.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import { TaskOwners } from '#gateway/tasks/task-owners.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { policy, principal } from '#test/support/upstreams.ts'
import { ClientSession } from './client-session.ts'

let clock: FakeClock
let heard: RpcMessage[]
const outlet = (message: RpcMessage): void => void heard.push(message)

function session(capabilities: JsonObject = { elicitation: {} }, revision = '2025-11-25'): ClientSession {
  return new ClientSession({
    id: 'mcp_1',
    principal: principal('ann'),
    address: { scope: 'servers', names: null, narrowing: null },
    endpoint: { key: 'aggregate:', kind: 'aggregate', upstreams: [] },
    revision,
    facts: { capabilities, info: undefined, logLevel: undefined },
    clock,
    askTimeoutMs: 1_000,
    callsMax: 2,
    exposeUri: (server, uri) => `${server}+${uri}`,
    taskOwners: new TaskOwners(),
  })
}

beforeEach(() => {
  clock = new FakeClock()
  heard = []
})

const question = { method: 'elicitation/create', params: { message: 'really?' } }
const unroutable = { error: { code: -32601, data: { code: 'question_unroutable' } } }

describe('a question to the client', () => {
  it('is sent under an id of the session’s own, and gives the client’s answer', async () => {
    const one = session()
    const answers = [one.askThrough(outlet, question), one.askThrough(outlet, { ...question, params: undefined })]
    expect(heard).toEqual([
      { jsonrpc: '2.0', id: 1, ...question },
      { jsonrpc: '2.0', id: 2, method: question.method },
    ])
    one.answer(2, { result: { action: 'decline' } })
    one.answer(1, { result: { action: 'accept' } })
    expect(await Promise.all(answers)).toEqual([{ result: { action: 'accept' } }, { result: { action: 'decline' } }])
    expect(clock.waiting).toBe(0)
  })

  it('is not asked where the client cannot answer it', async () => {
    const one = session()
    expect(await one.askThrough(outlet, { method: 'sampling/createMessage', params: {} })).toMatchObject(unroutable)
    expect(heard).toEqual([])
  })

  it('is given up after its time', async () => {
    const answer = session().askThrough(outlet, question)
    await clock.advance(1_000)
    expect(await answer).toMatchObject(unroutable)
  })

  it('is given up when the session ends, and not asked after that', async () => {
    const one = session()
    const answer = one.askThrough(outlet, question)
    one.end()
    expect(await answer).toMatchObject({ error: { data: { code: 'session_not_found' } } })
    expect(await one.askThrough(outlet, question)).toMatchObject({ error: { data: { code: 'session_not_found' } } })
    expect(heard).toHaveLength(1)
    expect(clock.waiting).toBe(0)
  })

  it('takes no answer for a question that nobody asked', async () => {
    const one = session()
    const answer = one.askThrough(outlet, question)
    one.answer('1', { result: {} })
    one.answer(99, { result: {} })
    one.answer(1, { result: { action: 'cancel' } })
    one.answer(1, { result: { action: 'accept' } })
    expect(await answer).toEqual({ result: { action: 'cancel' } })
  })

  it('goes outside any call only while somebody listens', () => {
    const one = session()
    expect(one.ask).toBeNull()
    one.setOutlet(outlet)
    void one.ask?.('files', question)
    expect(heard).toHaveLength(1)
  })
})

describe('content that the client’s revision does not know', () => {
  const audio = { type: 'audio', data: 'UklGRg==', mimeType: 'audio/wav' }
  const params = { messages: [{ role: 'user', content: audio }], maxTokens: 5 }
  const sampling = { method: 'sampling/createMessage', params }

  it('is said in text where its model is asked', () => {
    void session({ sampling: {} }, '2024-11-05').askThrough(outlet, sampling)
    const content = { type: 'text', text: 'Left out: audio (audio/wav), which MCP 2024-11-05 cannot carry.' }
    expect(heard).toEqual([
      { jsonrpc: '2.0', id: 1, ...sampling, params: { messages: [{ role: 'user', content }], maxTokens: 5 } },
    ])
  })

  it.each(['2025-03-26', '2025-11-25'])('is none for %s', (revision) => {
    const one = session({ sampling: {} }, revision)
    void one.askThrough(outlet, sampling)
    expect(heard).toEqual([{ jsonrpc: '2.0', id: 1, ...sampling }])
  })

  it('leaves other questions alone', () => {
    const form = { method: 'elicitation/create', params: { content: audio } }
    void session({ elicitation: {} }, '2024-11-05').askThrough(outlet, form)
    expect(heard).toEqual([{ jsonrpc: '2.0', id: 1, ...form }])
  })
})

describe('requests under way', () => {
  it('are cancelled by their id, and by no other', () => {
    const one = session()
    const [first, second] = [new Cancellation(), new Cancellation()]
    one.begin(1, first)
    one.begin('1', second)
    one.cancel('1')
    one.cancel('unknown')
    expect([first.isCancelled, second.isCancelled]).toEqual([false, true])
  })

  it('are refused above their number, or twice under one id', () => {
    const one = session()
    const running1 = one.begin(1, new Cancellation())
    expect(() => one.begin(1, new Cancellation())).toThrow(expect.objectContaining({ code: 'invalid_request' }))
    one.begin(2, new Cancellation())
    expect(() => one.begin(3, new Cancellation())).toThrow(expect.objectContaining({ code: 'rate_limited' }))
    one.finish(running1, 0)
    expect(() => one.begin(3, new Cancellation())).not.toThrow()
  })

  it('are all cancelled when the session ends', () => {
    const one = session()
    const cancellation = new Cancellation()
    one.begin(1, cancellation)
    one.end()
    expect(cancellation.isCancelled).toBe(true)
  })

  it('keep a retired session until the last of them has ended', () => {
    const one = session()
    const running1 = one.begin(1, new Cancellation())
    const running2 = one.begin(2, new Cancellation())
    one.retire()
    expect(one.isRetired).toBe(true)
    one.finish(running1, 0)
    expect(one.hasEnded).toBe(false)
    one.finish(running2, 0)
    expect(one.hasEnded).toBe(true)
  })

  it('do not keep a retired session that has none', () => {
    const one = session()
    one.retire()
    expect(one.hasEnded).toBe(true)
  })

  it('make the session busy, as a listener does', () => {
    const one = session()
    expect(one.isBusy).toBe(false)
    const running1 = one.begin(1, new Cancellation())
    expect(one.isBusy).toBe(true)
    one.finish(running1, 0)
    one.setOutlet(outlet)
    expect(one.isBusy).toBe(true)
  })

  it('keep it busy until they end, and that is when it was used last', async () => {
    const one = session()
    const running1 = one.begin(1, new Cancellation())
    expect(one.isBusy).toBe(true)
    await clock.advance(50)
    one.finish(running1, clock.now())
    expect([one.isBusy, one.lastUsedAt]).toEqual([false, clock.now()])
  })
})

describe('what happens outside requests', () => {
  it('is told to who listens, in the endpoint’s words', () => {
    const one = session()
    one.setOutlet(outlet)
    one.watch('files', 'file:///a')
    one.listChanged('files', 'tools')
    const updated = { jsonrpc: '2.0' as const, method: 'notifications/resources/updated', params: { uri: 'file:///a' } }
    one.resourceUpdated('files', 'file:///a', updated)
    one.other('files', { jsonrpc: '2.0', method: 'notifications/elicitation/complete' })
    expect(heard).toEqual([
      { jsonrpc: '2.0', method: 'notifications/tools/list_changed' },
      { ...updated, params: { uri: 'files+file:///a' } },
      { jsonrpc: '2.0', method: 'notifications/elicitation/complete' },
    ])
  })

  it('is not told of resources that the client does not watch, or no longer', () => {
    const one = session()
    one.setOutlet(outlet)
    one.watch('files', 'file:///a')
    one.unwatch('files', 'file:///a')
    one.unwatch('never', 'watched')
    const note = { jsonrpc: '2.0' as const, method: 'notifications/resources/updated', params: { uri: 'file:///a' } }
    one.resourceUpdated('files', 'file:///a', note)
    one.resourceUpdated('other', 'file:///b', note)
    expect(heard).toEqual([])
    expect([...one.watchedResources('files')]).toEqual([])
  })

  it('is told as loudly as the client asked for', () => {
    const one = session()
    one.setOutlet(outlet)
    one.facts.logLevel = 'warning'
    for (const level of ['debug', 'warning', 'error']) {
      one.logged('files', { jsonrpc: '2.0', method: 'notifications/message', params: { level } })
    }
    expect(heard.map((message) => 'params' in message && message.params?.['level'])).toEqual(['warning', 'error'])
  })

  it('is told to nobody once the session has ended', () => {
    const one = session()
    one.setOutlet(outlet)
    one.end()
    one.listChanged('files', 'tools')
    expect(heard).toEqual([])
  })
})

describe('a watched resource', () => {
  const updated = { jsonrpc: '2.0' as const, method: 'notifications/resources/updated', params: { uri: 'a:b' } }

  it('is one no longer once the client may not read from its server', () => {
    const one = session()
    one.setOutlet(outlet)
    one.watch('files', 'a:b')
    const rules = [{ server: 'files', tool: 'one', level: 'execute' as const }]
    one.principal = principal('ann', [policy('a tool only', { rules })])
    one.resourceUpdated('files', 'a:b', updated)
    expect(heard).toEqual([])
    expect([...one.watchedResources('files')]).toEqual([])
  })
})

describe('the end', () => {
  it('is told once, also to who asks late', () => {
    const one = session()
    let count = 0
    one.onEnd(() => count++)
    one.end()
    one.end()
    one.onEnd(() => count++)
    expect(count).toBe(2)
  })

  it('is not told to who has lost interest', () => {
    const one = session()
    let count = 0
    const forget = one.onEnd(() => count++)
    one.onEnd(() => count++)
    forget()
    one.end()
    expect(count).toBe(1)
  })
})
