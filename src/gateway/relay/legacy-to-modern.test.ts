import { beforeEach, describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import type { JsonObject, Outcome, Question, RpcNotification } from '#core/protocol/json-rpc.ts'
import type { ParamHeader } from '#core/protocol/mcp-headers.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'
import type { UpstreamSession } from '#gateway/upstream/upstream-session.ts'
import { failureOf } from '#test/support/failure.ts'
import { FakeChannelWire, modernScript } from '#test/support/fake-channel.ts'
import { FakeClock, settled } from '#test/support/fake-clock.ts'
import { channelUpstream, principal, server, user } from '#test/support/upstreams.ts'
import { callModern } from './legacy-to-modern.ts'
import type { ToolLists } from './header-mismatch.ts'
import type { Target } from './target.ts'

let wire: FakeChannelWire
let session: UpstreamSession
let target: Target
let heard: RpcNotification[]
let asked: Question[]
let answerQuestion: (question: Question) => Outcome
/** What the upstream answers to each call in turn. */
let results: JsonObject[]
let lists: ToolLists

beforeEach(async () => {
  heard = []
  asked = []
  results = []
  lists = { renewTool: () => Promise.reject(new Error('nothing to renew')) }
  answerQuestion = () => ({ result: { action: 'accept' } })
  wire = new FakeChannelWire(modernScript({ tools: {} }, { 'tools/call': () => results.shift() }))
  const upstream = channelUpstream(server('files', { protocol: 'modern' }), { clock: new FakeClock(), wire })
  session = await upstream.place(user()).acquire()
  target = {
    upstream,
    method: 'tools/call',
    params: { name: 'a', arguments: { x: 1 } },
    paramHeaders: [],
    outputSchema: undefined,
    toExposed: null,
  }
})

type Said = { capabilities?: JsonObject; logLevel?: string; revision?: string; canBeAsked?: boolean }

function call(said: Said = {}, cancellation = new Cancellation()): Promise<Outcome> {
  const { capabilities = { elicitation: {}, sampling: {}, tasks: {} }, revision = '2025-11-25', logLevel } = said
  const ask = async (question: Question): Promise<Outcome> => {
    asked.push(question)
    return answerQuestion(question)
  }
  const clientCall: ClientCall = {
    principal: principal('ann'),
    endpoint: { key: 'single:files', kind: 'single', upstreams: [target.upstream] },
    address: { scope: 'servers', names: 'files', narrowing: null },
    era: 'legacy',
    revision,
    facts: { capabilities, info: { name: 'client' }, logLevel },
    session: null,
    message: { jsonrpc: '2.0', id: 1, method: 'tools/call' },
    large: null,
    headers: null,
    reply: { notify: (note) => void heard.push(note), ask: said.canBeAsked === false ? null : ask },
    sink: null,
    cancellation,
    requestId: 'req_1',
    receivedAt: 0,
  }
  const deps = { randomId: (prefix: string) => `${prefix}_1`, lists }
  return callModern(session, target, { call: clientCall, headers: [], deps })
}

/** @param answers undefined: refused as a header mismatch */
function answering(
  answers: (JsonObject | undefined)[],
  headers: (readonly string[])[],
  params: unknown[] = [],
): UpstreamSession['call'] {
  return (request) => {
    headers.push(request.headers)
    params.push(request.params)
    const result = answers.shift()
    return Promise.resolve(result ? { result } : { error: { code: -32020, message: 'Header mismatch' } })
  }
}

const sent = (): JsonObject[] => wire.channel.sent.filter(({ method }) => method === 'tools/call')
const form = { method: 'elicitation/create', params: { mode: 'form', message: 'really?' } }
const inputRequired = (inputRequests: JsonObject, more: JsonObject = {}): JsonObject => ({
  resultType: 'input_required',
  inputRequests,
  ...more,
})

describe('callModern', () => {
  it('says in the envelope what the client said once, and gives the answer in the legacy form', async () => {
    results = [{ resultType: 'complete', content: [], structuredContent: [1], _meta: { own: 1 } }]
    expect(await call({ logLevel: 'info' })).toEqual({
      result: { content: [], structuredContent: { result: [1] }, _meta: { own: 1 } },
    })
    expect(sent()[0]?.['params']).toEqual({
      name: 'a',
      arguments: { x: 1 },
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': { elicitation: {}, sampling: {} },
        'io.modelcontextprotocol/clientInfo': { name: 'client' },
        'io.modelcontextprotocol/logLevel': 'info',
      },
    })
  })

  it('asks for no task, and declares none of the form that the client does not speak', async () => {
    results = [{ resultType: 'complete', content: [] }]
    target = { ...target, params: { name: 'a', task: { ttl: 1 } } }
    const extensions = { 'io.modelcontextprotocol/tasks': {}, 'vendor/x': {} }
    expect(await call({ capabilities: { tasks: {}, extensions } })).toEqual({ result: { content: [] } })
    const params = sent()[0]?.['params']
    expect(params).not.toHaveProperty('task')
    expect(params).toMatchObject({
      _meta: { 'io.modelcontextprotocol/clientCapabilities': { extensions: { 'vendor/x': {} } } },
    })
    expect(JSON.stringify(params)).not.toContain('tasks')
  })

  it('fails when the result is of a kind that the client cannot know', async () => {
    results = [{ resultType: 'task', taskId: 't', status: 'working' }]
    expect(await failureOf(call())).toMatchObject({ code: 'upstream_protocol' })
  })

  it('asks the client what the upstream wants to know, and calls again with the answers and the state', async () => {
    results = [
      inputRequired({ name: form, model: { method: 'sampling/createMessage', params: {} } }, { requestState: 's' }),
    ]
    results.push({ resultType: 'complete', content: [] })
    answerQuestion = ({ method }) => ({ result: { to: method } })
    expect(await call()).toEqual({ result: { content: [] } })
    expect(asked.map(({ method }) => method)).toEqual(['elicitation/create', 'sampling/createMessage'])
    const [first, second] = sent()
    expect(second?.['id']).not.toBe(first?.['id'])
    expect(second?.['params']).toMatchObject({
      name: 'a',
      requestState: 's',
      inputResponses: { name: { to: 'elicitation/create' }, model: { to: 'sampling/createMessage' } },
    })
  })

  it('gives a URL to visit the id that legacy clients want', async () => {
    results = [
      inputRequired({ visit: { method: 'elicitation/create', params: { mode: 'url', url: 'https://a.example' } } }),
    ]
    results.push({ content: [] })
    await call()
    expect(asked).toEqual([
      { method: 'elicitation/create', params: { mode: 'url', url: 'https://a.example', elicitationId: 'eli_1' } },
    ])
  })

  it('gives the client’s own error back where it does not answer', async () => {
    results = [inputRequired({ name: form })]
    answerQuestion = () => ({ error: { code: -1, message: 'no' } })
    expect(await call()).toEqual({ error: { code: -1, message: 'no' } })
    expect(sent()).toHaveLength(1)
  })

  it.each<[string, JsonObject, Said]>([
    ['what the client did not declare', { a: form }, { capabilities: { sampling: {} } }],
    ['something that the client declared and something that it did not', { a: form, b: { method: 'roots/list' } }, {}],
    ['a client that cannot be asked', { a: form }, { canBeAsked: false }],
    ['what is no question', { a: 'hello?' }, {}],
    ['too much at once', Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`q${i}`, form])), {}],
  ])('fails when the upstream asks %s', async (_what, inputRequests, said) => {
    results = [inputRequired(inputRequests)]
    expect(await failureOf(call(said))).toMatchObject({ code: 'upstream_protocol' })
    expect(asked).toEqual([])
  })

  it('fails when the upstream never stops asking', async () => {
    results = Array.from({ length: 20 }, () => inputRequired({ a: form }))
    expect(await failureOf(call())).toMatchObject({ code: 'upstream_protocol' })
    expect(sent()).toHaveLength(10)
  })

  describe('with a server whose header annotations have changed', () => {
    const header = (name: string): ParamHeader => ({ header: name, path: ['x'] })
    let renewals: unknown[]
    /** The headers that each call was made with. */
    let mirrored: (readonly string[])[]

    beforeEach(() => {
      renewals = []
      mirrored = []
      session.call = answering([], mirrored)
      lists = {
        renewTool: (_upstream, _user, doubted) => {
          renewals.push(doubted)
          const item = { name: 'a', outputSchema: { type: 'string' } }
          return Promise.resolve({ key: 'a', item, paramHeaders: [header('New')] })
        },
      }
      target = { ...target, paramHeaders: [header('Old')] }
    })

    it('fetches the list again and calls once more, with the headers that it wants now', async () => {
      session.call = answering([undefined, { content: [], structuredContent: 'x' }], mirrored)
      expect(await call()).toEqual({ result: { content: [], structuredContent: { result: 'x' } } })
      expect(mirrored).toEqual([
        ['mcp-param-old', '1'],
        ['mcp-param-new', '1'],
      ])
      expect(renewals).toEqual([{ name: 'a', paramHeaders: target.paramHeaders }])
    })

    it('does so once, however often it is refused', async () => {
      expect(await call()).toMatchObject({ error: { code: -32603 } })
      expect([mirrored.length, renewals.length]).toEqual([2, 1])
    })

    it('does so in a later round as well, with the answers that it has', async () => {
      const asks = inputRequired({ name: form }, { requestState: 's' })
      const sentParams: unknown[] = []
      session.call = answering([asks, undefined, { content: [] }], mirrored, sentParams)
      expect(await call()).toEqual({ result: { content: [] } })
      expect(asked).toHaveLength(1)
      expect(sentParams[2]).toMatchObject({ requestState: 's', inputResponses: { name: { action: 'accept' } } })
      expect(sentParams[2]).toEqual(sentParams[1])
    })

    it.each<[string, () => ReturnType<ToolLists['renewTool']>]>([
      ['cannot be had', () => Promise.reject(new GatewayError('upstream_timeout'))],
      ['does not hold the tool any more', () => Promise.resolve(undefined)],
      ['wants the same headers', () => Promise.resolve({ key: 'a', item: {}, paramHeaders: [header('oLD')] })],
    ])('gives the refusal back where the new list %s', async (_what, renewTool) => {
      lists = { renewTool }
      expect(await call()).toMatchObject({ error: { code: -32603 } })
      expect(mirrored).toHaveLength(1)
    })
  })

  it('cancels at the upstream when the client cancels', async () => {
    const cancellation = new Cancellation()
    const failure = failureOf(call({}, cancellation))
    await settled()
    cancellation.cancel()
    expect(await failure).toMatchObject({ code: 'request_cancelled' })
    expect(wire.channel.count('notifications/cancelled')).toBe(1)
  })
})
