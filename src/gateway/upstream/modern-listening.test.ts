import { beforeEach, describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import type { JsonObject, RpcNotification } from '#core/protocol/json-rpc.ts'
import { failureOf } from '#test/support/failure.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { ModernListening } from './modern-listening.ts'

const all = { tools: { listChanged: true }, prompts: {}, resources: { subscribe: true, listChanged: true } }
let clock: FakeClock
let opened: { id: string; wish: JsonObject; isClosed: boolean }[]
let heard: string[]
let listening: ModernListening

function listen(capabilities: JsonObject = all): ModernListening {
  return new ModernListening({
    clock,
    timeoutMs: 5_000,
    capabilities,
    open: (id, wish) => {
      const own = { id, wish, isClosed: false }
      opened.push(own)
      return () => (own.isClosed = true)
    },
    heard: ({ method }) => void heard.push(method),
  })
}

beforeEach(() => {
  clock = new FakeClock()
  opened = []
  heard = []
  listening = listen()
})

const note = (method: string, params: JsonObject = {}): RpcNotification => ({ jsonrpc: '2.0', method, params })
const id = (at = -1): string => opened.at(at)?.id ?? ''

/** The upstream agrees to watch these, on the subscription at a place of the order. */
function acknowledge(uris: readonly string[] | undefined, at = -1): void {
  const notifications = uris === undefined ? {} : { resourceSubscriptions: uris }
  listening.receive(id(at), note('notifications/subscriptions/acknowledged', { notifications }))
}

const changed = 'notifications/tools/list_changed'

describe('a wish', () => {
  it('is sent with what the upstream can tell of', () => {
    listening.set([])
    listening.set(['a:b'])
    const changes = { toolsListChanged: true, resourcesListChanged: true }
    expect(opened.map(({ wish }) => wish)).toEqual([changes, { ...changes, resourceSubscriptions: ['a:b'] }])
  })

  it('is for the states of tasks as well, where the upstream knows the extension', () => {
    const extension = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
    listening = listen(extension)
    listening.set([], [])
    listening.set([], ['t'])
    listening.set([], ['t'])
    listening.set([], ['t', 'u'])
    expect(opened.map(({ wish }) => wish)).toEqual([{ taskIds: ['t'] }, { taskIds: ['t', 'u'] }])
    listening.set([], [])
    expect(opened.every(({ isClosed }) => isClosed)).toBe(true)
    listen().set([], ['t'])
    expect(opened.at(-1)?.wish).not.toHaveProperty('taskIds')
  })

  it('is not sent twice, and not where the upstream can tell of nothing', () => {
    listening.set(['a:b'])
    listening.set(['a:b'])
    listen({ tools: {} }).set(['a:b'])
    listen({ resources: { subscribe: true } }).set([])
    expect(opened).toHaveLength(1)
  })

  it('is ended where nothing is left to hear of', () => {
    listening = listen({ resources: { subscribe: true } })
    listening.set(['a:b'])
    expect(opened.map(({ wish }) => wish)).toEqual([{ resourceSubscriptions: ['a:b'] }])
    listening.set([])
    expect(opened).toMatchObject([{ isClosed: true }])
  })

  it('that changes faster than the upstream acknowledges leaves few subscriptions open, and the agreed one', async () => {
    listening.set([])
    acknowledge([])
    const uris = Array.from({ length: 50 }, (_value, index) => `a:${index}`)
    const answers = uris.map((uri, index) => {
      listening.set(uris.slice(0, index + 1))
      return listening.subscribe(uri)
    })
    expect(opened.flatMap(({ isClosed }, index) => (isClosed ? [] : [index]))).toEqual([0, 47, 48, 49, 50])
    acknowledge(uris)
    expect(await Promise.all(answers)).toEqual(uris.map(() => ({ result: {} })))
    expect(opened.filter(({ isClosed }) => !isClosed)).toHaveLength(1)
  })

  it('for a resource is not sent to an upstream that watches none', () => {
    listen({ tools: { listChanged: true } }).set(['a:b'])
    expect(opened.map(({ wish }) => wish)).toEqual([{ toolsListChanged: true }])
  })

  it('is heard on the older subscription until the newer one speaks', () => {
    listening.set([])
    listening.set(['a:b'])
    listening.receive(id(0), note(changed))
    expect(opened.map(({ isClosed }) => isClosed)).toEqual([false, false])
    acknowledge(['a:b'])
    listening.receive(id(0), note(changed))
    expect(opened.map(({ isClosed }) => isClosed)).toEqual([true, false])
    expect(heard).toEqual([changed])
  })
})

describe('a client that waits for the answer', () => {
  const agreed = { result: {} }
  const refused = { error: { code: -32602, data: { code: 'resource_not_found', uri: 'a:b' } } }

  it('gets it with the acknowledgement', async () => {
    listening.set(['a:b', 'a:c'])
    const answers = ['a:b', 'a:c'].map((uri) => listening.subscribe(uri))
    acknowledge(['a:c'])
    expect(await Promise.all(answers)).toMatchObject([refused, agreed])
    expect(clock.waiting).toBe(0)
  })

  it('is refused where the acknowledgement speaks of no resource', async () => {
    listening.set(['a:b'])
    const answer = listening.subscribe('a:b')
    acknowledge(undefined)
    expect(await answer).toMatchObject(refused)
  })

  it('is answered at once where the upstream has agreed before, also while another wish is on its way', async () => {
    listening.set(['a:b'])
    acknowledge(['a:b'])
    expect(await listening.subscribe('a:b')).toEqual(agreed)
    listening.set(['a:b', 'a:c'])
    expect(await listening.subscribe('a:b')).toEqual(agreed)
    expect(opened).toHaveLength(2)
  })

  it('has the upstream asked again where it refused before', async () => {
    listening.set(['a:b'])
    acknowledge([])
    const again = listening.subscribe('a:b')
    expect(opened).toHaveLength(2)
    acknowledge(['a:b'])
    expect(await again).toEqual(agreed)
  })

  it('has the answer of the newest subscription, whatever becomes of an older one', async () => {
    listening.set(['a:b'])
    const answer = listening.subscribe('a:b')
    listening.set(['a:b', 'a:c'])
    listening.lost(id(0), new GatewayError('upstream_closed'))
    acknowledge(['a:b', 'a:c'])
    expect(await answer).toEqual(agreed)
  })

  it('gets the error that the upstream answers with, and asks anew after that', async () => {
    listening.set([])
    listening.set(['a:b'])
    const answer = listening.subscribe('a:b')
    const error = { code: -32602, message: 'no' }
    listening.receive(id(), { jsonrpc: '2.0', id: id(), error })
    expect(await answer).toEqual({ error })
    void listening.subscribe('a:b')
    expect(opened.at(-1)?.wish).toMatchObject({ resourceSubscriptions: ['a:b'] })
    expect(opened).toHaveLength(3)
  })

  it('is told that the upstream is silent', async () => {
    listening.set(['a:b'])
    const failure = failureOf(listening.subscribe('a:b'))
    listening.receive(id(), note(changed))
    await clock.advance(5_000)
    expect(await failure).toMatchObject({ code: 'upstream_timeout' })
  })

  it.each(['upstream_closed', 'upstream_protocol'] as const)('is told of %s', async (code) => {
    listening.set(['a:b'])
    const failure = failureOf(listening.subscribe('a:b'))
    listening.lost(id(), new GatewayError(code))
    expect(await failure).toMatchObject({ code })
  })

  it('is told when the session ends, or has ended', async () => {
    listening.set(['a:b'])
    const failure = failureOf(listening.subscribe('a:b'))
    listening.end(new GatewayError('upstream_closed'))
    expect(await failure).toMatchObject({ code: 'upstream_closed' })
    expect(await failureOf(listening.subscribe('a:b'))).toMatchObject({ code: 'upstream_closed' })
    expect(clock.waiting).toBe(0)
  })

  it('gets none for what is not wished', async () => {
    expect(await failureOf(listening.subscribe('a:b'))).toMatchObject({ code: 'request_cancelled' })
    listening.set(['a:c'])
    expect(await failureOf(listening.subscribe('a:b'))).toMatchObject({ code: 'request_cancelled' })
  })
})

describe('a subscription that ends', () => {
  it('is made anew, later each time until it is heard again', async () => {
    listening.set(['a:b'])
    for (const delayMs of [1_000, 2_000, 4_000]) {
      listening.lost(id(), new GatewayError('upstream_unreachable'))
      await clock.advance(delayMs - 1)
      const before = opened.length
      await clock.advance(1)
      expect(opened).toHaveLength(before + 1)
    }
    acknowledge(['a:b'])
    listening.receive(id(), { jsonrpc: '2.0', id: id(), result: { resultType: 'complete' } })
    await clock.advance(1_000)
    expect(opened).toHaveLength(5)
    expect(opened.at(-1)?.wish).toMatchObject({ resourceSubscriptions: ['a:b'] })
  })

  it('does not count as agreed, until it is agreed anew', async () => {
    listening.set(['a:b'])
    acknowledge(['a:b'])
    listening.lost(id(), new GatewayError('upstream_closed'))
    const answer = listening.subscribe('a:b')
    acknowledge(['a:b'])
    expect(await answer).toEqual({ result: {} })
    await clock.advance(120_000)
    expect(opened).toHaveLength(2)
  })

  it.each<[string, () => void]>([
    ['an error', () => listening.receive(id(), { jsonrpc: '2.0', id: id(), error: { code: -32601, message: 'no' } })],
    ['what is no answer', () => listening.lost(id(), new GatewayError('upstream_protocol'))],
  ])('is left alone after %s', async (_what, end) => {
    listening.set([])
    end()
    await clock.advance(120_000)
    expect(opened).toHaveLength(1)
  })

  it('is not made anew where a newer one is there, nor after the end of the session', async () => {
    listening.set([])
    listening.set(['a:b'])
    listening.lost(id(0), new GatewayError('upstream_closed'))
    listening.lost(id(), new GatewayError('upstream_closed'))
    listening.end(new GatewayError('upstream_closed'))
    listening.set([])
    await clock.advance(120_000)
    expect(opened).toHaveLength(2)
    expect(clock.waiting).toBe(0)
  })

  it('closes what is open with the session', () => {
    listening.set([])
    listening.set(['a:b'])
    listening.end(new GatewayError('upstream_closed'))
    expect(opened.map(({ isClosed }) => isClosed)).toEqual([true, true])
  })
})
