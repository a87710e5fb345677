import { beforeEach, describe, expect, it } from 'vitest'
import type { JsonObject } from '#core/protocol/json-rpc.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import { ClientSession } from '#gateway/client/client-session.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'
import type { Endpoint } from '#gateway/endpoint.ts'
import { exposeResult } from '#gateway/methods/route.ts'
import { TaskOwners } from '#gateway/tasks/task-owners.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'
import { FakeChannelWire } from '#test/support/fake-channel.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { FakeHttpWire, legacyHttpScript } from '#test/support/fake-http-wire.ts'
import { principal, server, upstream } from '#test/support/upstreams.ts'
import { forward } from './forward.ts'
import { ParkedCalls } from './parked-calls.ts'
import { RequestStates } from './request-states.ts'

const clock = new FakeClock()
const audio = { type: 'audio', data: 'UklGRg==', mimeType: 'audio/wav' }
const link = { type: 'resource_link', uri: 'file:///a', name: 'a' }
const text = { type: 'text', text: 'hello' }
let result: JsonObject
let files: Upstream

beforeEach(() => {
  const answers = {
    'tools/call': (exchange: { result(result: JsonObject): void }) => exchange.result(result),
    'prompts/get': (exchange: { result(result: JsonObject): void }) => exchange.result(result),
  }
  const credential = { kind: 'none' as const }
  const transport = { kind: 'streamable_http' as const, url: 'http://a.example/mcp', headers: {}, credential }
  const http = new FakeHttpWire(legacyHttpScript({ tools: {} }, answers))
  const wires = { kind: 'http' as const, http, sse: new FakeChannelWire() }
  files = upstream(server('files', { transport, isolation: 'principal' }), { clock, wires })
})

const sink = { canStart: true, start() {}, write: () => true, onDrain() {}, end() {}, destroy() {} }

function toCall(revision: string, kind: Endpoint['kind'], method: string): ClientCall {
  const endpoint: Endpoint = { key: kind, kind, upstreams: [files] }
  const common = {
    principal: principal('ann'),
    endpoint,
    address: { scope: 'servers', names: null, narrowing: null } as const,
    revision,
  }
  const facts = { capabilities: {}, info: undefined, logLevel: undefined }
  const limits = { askTimeoutMs: 1_000, callsMax: 10 }
  const session = new ClientSession({
    ...common,
    ...limits,
    facts,
    id: 'mcp_1',
    clock,
    exposeUri: (_server, uri) => uri,
    taskOwners: new TaskOwners(),
  })
  return {
    ...common,
    facts,
    session,
    era: 'legacy',
    message: { jsonrpc: '2.0', id: 1, method },
    large: null,
    headers: {},
    reply: { notify: () => undefined, ask: null },
    sink,
    cancellation: new Cancellation(),
    requestId: 'req_1',
    receivedAt: 0,
  }
}

function ask(revision: string, kind: Endpoint['kind'] = 'single', method = 'tools/call'): Promise<Answer> {
  const call = toCall(revision, kind, method)
  const toExposed = exposeResult({ call }, files)
  const [hash, randomId] = [(value: string) => value, (prefix: string) => prefix]
  return forward(
    call,
    { upstream: files, method, params: { name: 'a' }, paramHeaders: [], toExposed },
    {
      clock,
      hash,
      randomId,
      parked: new ParkedCalls({ clock, randomId, parkedCallsMax: 1, parkedCallMs: 1 }),
      requestStates: new RequestStates({ hash, randomId }),
      parkedElsewhere: { resume: () => null },
      lists: { renewTool: () => Promise.resolve(undefined) },
    },
  )
}

/** What the client gets of a result, whether the gateway has opened it or not. */
const resultIn = (answer: Answer): unknown => ('raw' in answer ? JSON.parse(answer.raw).result : answer)
const textOf = (words: string) => ({ type: 'text', text: words })
const noAudio = textOf('Left out: audio (audio/wav), which MCP 2024-11-05 cannot carry.')

describe('an answer for a client of an older revision', () => {
  it.each([
    ['2024-11-05', [noAudio, textOf('Resource link: a: file:///a'), text]],
    ['2025-03-26', [audio, textOf('Resource link: a: file:///a'), text]],
  ])('says to %s in text what it has no content type for', async (revision, content) => {
    result = { content: [audio, link, text], extra: 1 }
    expect(await ask(revision)).toEqual({ result: { content, extra: 1 } })
  })

  it('names a resource as the endpoint does', async () => {
    result = { content: [link] }
    expect(await ask('2025-03-26', 'aggregate')).toEqual({
      result: { content: [textOf('Resource link: a: toolgate://files/file:///a')] },
    })
  })

  it('is looked into where a prompt holds it', async () => {
    result = { messages: [{ role: 'user', content: audio }] }
    expect(await ask('2024-11-05', 'single', 'prompts/get')).toEqual({
      result: { messages: [{ role: 'user', content: noAudio }] },
    })
  })

  it.each<Endpoint['kind']>(['single', 'aggregate'])(
    'goes unopened where it holds nothing of the kind (%s)',
    async (kind) => {
      result = { content: [text] }
      const answer = await ask('2024-11-05', kind)
      expect('raw' in answer && resultIn(answer)).toEqual(result)
    },
  )
})

describe('an answer for a client that knows every content type', () => {
  it.each(['2025-06-18', '2025-11-25'])('goes unopened to %s, whatever it holds', async (revision) => {
    result = { content: [audio, link, { type: 'hologram' }], structuredContent: 5 }
    const answer = await ask(revision)
    expect('raw' in answer && resultIn(answer)).toEqual(result)
  })

  it('may pass as bytes, which another’s may not', () => {
    const passes = (revision: string) =>
      exposeResult({ call: toCall(revision, 'single', 'tools/call') }, files) === null
    expect(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'].map(passes)).toEqual([false, false, true, true])
  })
})
