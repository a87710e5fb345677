/** The gateway comes up, goes down without dropping a call, and leaves nothing behind of a client that has gone. */
import { describe, expect, it } from 'vitest'
import { startGateway } from '../support/gateway-process.ts'
import { LegacySession, askModern, type Address } from '../support/raw/client.ts'
import { textResult, tool, type Json } from '../support/raw/exchange.ts'
import { startRawUpstream } from '../support/raw/http-upstream.ts'
import { SocketTransport } from '../support/socket-transport.ts'
import { tokenFor } from '../support/tokens.ts'
import { until } from '../support/until.ts'

const token = tokenFor('caller')
const callersToken = { name: 'caller', secret: token, policies: ['all'] }
const echo = { method: 'tools/call', params: { name: 'echo', arguments: {} } }
const wait = { method: 'tools/call', params: { name: 'wait', arguments: {} } }

/** Each test its own gateway, so that they can wait at the same time. */
async function startLab() {
  await using starting = new AsyncDisposableStack()
  const release = Promise.withResolvers<void>()
  /** How many calls of `wait` the upstream was told to give up. */
  let givenUp = 0
  const handlers = {
    'tools/list': () => ({ tools: [tool('echo'), tool('wait')] }),
    'tools/call': async ({ params, cancelled }: { params: Json; cancelled: Promise<void> }) => {
      if (params['name'] === 'wait') await Promise.race([release.promise, cancelled.then(() => givenUp++)])
      return textResult('done')
    },
  }
  const upstream = starting.use(await startRawUpstream(['legacy'], { handlers }))
  const gateway = starting.use(
    await startGateway({
      servers: { slow: { url: upstream.url } },
      policies: { all: { default: 'execute' } },
      tokens: [callersToken],
      limits: { sessionIdleMs: 1_000 },
    }),
  )
  starting.defer(() => release.resolve())
  const started = starting.move()
  return {
    gateway,
    upstream,
    release: release.resolve,
    givenUp: () => givenUp,
    at: (path = '/slow/mcp') => ({ url: gateway.url + path, token }),
    untilCalled: (times = 1) => until('the server is called', () => upstream.count('tools/call') === times),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

function untilRefused(address: Address): Promise<void> {
  return until('new connections are refused', () =>
    askModern(address, wait).then(
      ({ status }) => status === 503,
      () => true,
    ),
  )
}

describe.concurrent('a session', () => {
  it('that nobody uses expires, and one that is listened to does not', async () => {
    await using lab = await startLab()
    const { at } = lab
    const idle = await LegacySession.open(at())
    const heard = await LegacySession.open(at())
    const stream = await heard.follow(() => undefined)
    // Looking at a session would be using it: the only way to see it expire is to leave it alone.
    await new Promise((resolve) => setTimeout(resolve, 6_500))
    const [gone, there] = await Promise.all([idle, heard].map((session) => session.ask('ping')))
    expect({ gone: gone?.status, there: there?.status }).toEqual({ gone: 404, there: 200 })
    stream.close()
  })

  it('that was ended by its client is gone at once', async () => {
    await using lab = await startLab()
    const { at } = lab
    const session = await LegacySession.open(at())
    await session[Symbol.asyncDispose]()
    const { status, error } = await session.ask('ping')
    expect({ status, code: error?.code }).toEqual({ status: 404, code: -32001 })
  })
})

describe.concurrent('the health addresses', () => {
  it('say that the gateway lives and is ready, without a token', async () => {
    await using lab = await startLab()
    const { gateway } = lab
    const answers = await Promise.all(['live', 'ready'].map((name) => fetch(`${gateway.url}/health/${name}`)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual(['ok\n', 'ok\n'])
  })
})

describe.concurrent('SIGTERM', () => {
  it('lets the calls under way end, in both eras, and takes no new one', async () => {
    await using lab = await startLab()
    const { gateway, release, at, untilCalled } = lab
    const session = await LegacySession.open(at())
    const calls = [askModern(at(), wait), session.ask(wait.method, wait.params)]
    await untilCalled(2)
    gateway.signal('SIGTERM')
    await gateway.untilLogged('ending')
    await untilRefused(at())
    release()
    const answers = await Promise.all(calls)
    expect(answers.map(({ result }) => result?.['content'])).toEqual([
      [{ type: 'text', text: 'done' }],
      [{ type: 'text', text: 'done' }],
    ])
    expect(await gateway.exited).toEqual({ code: 0, signal: null })
  })

  it('lets a call end whose server is only on its way up', async () => {
    await using lab = await startLab()
    const { gateway, upstream, at } = lab
    const opened = Promise.withResolvers<void>()
    const { initialize } = upstream.handlers
    upstream.handlers['initialize'] = (call) => opened.promise.then(() => initialize?.(call) ?? {})
    const calls = [askModern(at(), echo), askModern(at('/mcp'), { method: 'tools/list' })]
    await until('the server is being opened', () => upstream.count('initialize') > 0)
    gateway.signal('SIGTERM')
    await gateway.untilLogged('ending')
    await untilRefused(at())
    opened.resolve()
    const [called, listed] = await Promise.all(calls)
    expect(called?.result?.['content']).toEqual([{ type: 'text', text: 'done' }])
    expect(listed?.result?.['tools']).toHaveLength(2)
    expect(await gateway.exited).toEqual({ code: 0, signal: null })
  })

  it('lets a call end whose server was taken out of the configuration meanwhile', async () => {
    await using lab = await startLab()
    const { gateway, release, at, untilCalled } = lab
    const call = askModern(at(), wait)
    await untilCalled()
    await gateway.writeConfig({ servers: {}, policies: { all: { default: 'execute' } }, tokens: [callersToken] })
    await gateway.untilLogged('the configuration was applied')
    gateway.signal('SIGTERM')
    await gateway.untilLogged('ending')
    await untilRefused(at())
    release()
    expect((await call).result?.['content']).toEqual([{ type: 'text', text: 'done' }])
    expect(await gateway.exited).toEqual({ code: 0, signal: null })
  })

  it('lets a client read the whole of a large answer', async () => {
    await using lab = await startLab()
    const { gateway, upstream, at } = lab
    upstream.handlers['tools/call'] = () => textResult('x'.repeat(20_000_000))
    const session = await LegacySession.open(at())
    const answer = await fetch(at().url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${token}`,
        'mcp-session-id': session.id,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...echo }),
    })
    gateway.signal('SIGTERM')
    await gateway.untilLogged('ending')
    await untilRefused(at())
    expect((await answer.text()).length).toBeGreaterThan(20_000_000)
    expect(await gateway.exited).toEqual({ code: 0, signal: null })
  })

  it('does not wait for streams that never end', async () => {
    await using lab = await startLab()
    const { gateway, at } = lab
    const session = await LegacySession.open(at())
    const stream = await session.follow(() => undefined)
    const socket = new SocketTransport(at('/slow/mcp/ws').url, token)
    await socket.start()
    const events = await fetch(at('/slow/mcp/sse').url, { headers: { authorization: `Bearer ${token}` } })
    const startedAt = performance.now()
    await gateway.stop()
    expect(performance.now() - startedAt).toBeLessThan(2_000)
    await stream.ended
    await events.body?.cancel().catch(() => undefined)
    await socket.close()
  })

  it('ends the sessions that the gateway had with its servers', async () => {
    await using lab = await startLab()
    const { gateway, upstream, at } = lab
    await askModern(at(), { method: 'tools/call', params: { name: 'echo' } })
    expect(upstream.sessionCount()).toBe(1)
    await gateway.stop()
    expect(upstream.sessionCount()).toBe(0)
  })
})

describe.concurrent('a client that vanishes in the middle of a call', () => {
  it('over HTTP has its call given up at the server', async () => {
    await using lab = await startLab()
    const { givenUp, at, untilCalled } = lab
    const controller = new AbortController()
    const call = askModern(at(), wait, { signal: controller.signal })
    await untilCalled()
    controller.abort()
    await expect(call).rejects.toThrow(/abort/)
    await until('the server is told', () => givenUp() === 1)
    expect(givenUp()).toBe(1)
  })

  it('over a WebSocket has its call given up at the server', async () => {
    await using lab = await startLab()
    const { givenUp, at, untilCalled } = lab
    const socket = new SocketTransport(at('/slow/mcp/ws').url, token)
    const opened = new Promise<void>((resolve) => (socket.onmessage = () => resolve()))
    await socket.start()
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } }
    await socket.send({ jsonrpc: '2.0', id: 1, method: 'initialize', params })
    await opened
    await socket.send({ jsonrpc: '2.0', id: 2, ...wait })
    await untilCalled()
    await socket.close()
    await until('the server is told', () => givenUp() === 1)
    expect(givenUp()).toBe(1)
  })
})
