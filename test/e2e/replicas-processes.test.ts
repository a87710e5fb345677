/** Two gateway processes on one PostgreSQL and one Redis: what one of them holds, the other one answers for; and what becomes of it when it is killed. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { tokenIn } from '../support/cli/run-program.ts'
import { postgresDatabases, postgresStartMsMax } from '../support/postgres/databases.ts'
import { askModern, LegacySession, type Address, type Received } from '../support/raw/client.ts'
import { textResult, tool, type Json } from '../support/raw/exchange.ts'
import { startRawUpstream, type RawUpstream } from '../support/raw/http-upstream.ts'
import { createTaskServer, type TaskServer } from '../support/raw/task-server.ts'
import { openEvents, type RawEvents } from '../support/raw-http.ts'
import { describeWithRedis } from '../support/redis.ts'
import { openReplicas, type Replica } from '../support/replica-processes.ts'
import { begin } from '../support/task-lab.ts'
import { until } from '../support/until.ts'

const patience = { timeoutMs: 20_000 }

describeWithRedis('what one process holds', { timeout: 60_000 }, () => {
  const createDatabase = postgresDatabases()
  let server: TaskServer
  let upstream: RawUpstream
  let opened: AsyncDisposableStack
  let a: Replica
  let b: Replica
  let token: string
  /** Lets a call of `wait` go on. */
  let go: (() => void)[]

  beforeAll(async () => {
    server = createTaskServer('one')
    const { 'tools/call': callTask, ...handlers } = server.handlers
    upstream = await startRawUpstream(['legacy'], {
      ...server,
      handlers: {
        ...handlers,
        'tools/list': () => ({
          tools: [tool('slow', { execution: { taskSupport: 'optional' } }), tool('ask'), tool('wait')],
        }),
        'tools/call': async (call) => {
          if (call.params['name'] === 'ask') {
            const answer = await call.ask('elicitation/create', { message: 'who?', requestedSchema: {} })
            return textResult(JSON.stringify(answer['result']))
          }
          if (call.params['name'] !== 'wait') return callTask?.(call) ?? {}
          const _meta = call.params['_meta'] as Json | undefined
          call.notify('notifications/progress', { progressToken: _meta?.['progressToken'], progress: 1 })
          await new Promise<void>((resolve) => go.push(resolve))
          return textResult('done')
        },
      },
    })
  })
  afterAll(() => upstream[Symbol.asyncDispose]())

  beforeEach(async () => {
    go = []
    opened = new AsyncDisposableStack()
    const { start } = await openReplicas(opened, { postgres: await createDatabase(), server: upstream.url })
    a = await start()
    token = tokenIn(a.program.stdout())
    b = await start()
  }, postgresStartMsMax)

  afterEach(() => opened.disposeAsync(), 20_000)

  const at = ({ url }: Replica, headers: Record<string, string> = {}): Address => ({
    url: `${url}/one/mcp`,
    token,
    headers,
  })
  /** A legacy session of the first, as the other one is told of it. */
  const sessionHeaders = (session: LegacySession): Record<string, string> => ({
    'mcp-session-id': session.id,
    'mcp-protocol-version': '2025-11-25',
  })

  const park = async (replica: Replica): Promise<string> => {
    const params = { name: 'ask', arguments: {} }
    const asked = await askModern(at(replica), { method: 'tools/call', params, capabilities: { elicitation: {} } })
    expect(asked.result).toMatchObject({ resultType: 'input_required' })
    return String(asked.result?.['requestState'])
  }
  const answer = (replica: Replica, requestState: string): Promise<Received> => {
    const inputResponses = { q1: { action: 'accept', content: { by: 'client' } } }
    const params = { name: 'ask', arguments: {}, requestState, inputResponses }
    return askModern(at(replica), { method: 'tools/call', params, capabilities: { elicitation: {} } })
  }
  const follow = (replica: Replica, session: LegacySession, more: Json): Promise<RawEvents> =>
    openEvents(`${replica.url}/one/mcp`, {
      ...more,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        ...sessionHeaders(session),
        ...(more['headers'] as Record<string, string> | undefined),
      },
    })
  /** A call that waits, and whose connection is gone; the id of what was seen last. */
  const lose = async (replica: Replica, session: LegacySession): Promise<string> => {
    const params = { name: 'wait', arguments: {}, _meta: { progressToken: 'p' } }
    const body = JSON.stringify({ jsonrpc: '2.0', id: 'mine', method: 'tools/call', params })
    const stream = await follow(replica, session, { method: 'POST', body })
    const { id } = await stream.find(({ data }) => data.includes('"progress"'))
    stream.close()
    return id
  }

  it('the other one answers for: a call that waits, a task, a stream', async () => {
    expect((await answer(b, await park(a))).result?.['content']).toMatchObject([
      { text: expect.stringContaining('client') },
    ])

    const session = await LegacySession.open(at(a))
    const taskId = await begin(session, 'slow')
    const there = LegacySession.take(at(b, sessionHeaders(session)))
    expect((await there.ask('tasks/get', { taskId })).result).toMatchObject({ taskId, status: 'working' })
    expect((await there.ask('tasks/list')).result).toMatchObject({ tasks: [{ taskId }] })

    const lastEventId = await lose(a, session)
    const again = await follow(b, session, { headers: { 'last-event-id': lastEventId } })
    await until('it waits', () => go.length === 1, patience)
    go[0]?.()
    expect(await again.message(({ id }) => id === 'mine')).toMatchObject({ result: { content: [{ text: 'done' }] } })
    await again.ended
  })

  it('is brought to its end by that one when it is told to end', async () => {
    const session = await LegacySession.open(at(a))
    const taskId = await begin(session, 'slow')
    const [state, asked] = [await park(a), upstream.count('tasks/result')]
    const result = LegacySession.take(at(b, sessionHeaders(session))).ask('tasks/result', { taskId })
    await until('it is waited for', () => upstream.count('tasks/result') > asked, patience)
    a.program.child.kill('SIGTERM')
    await until('it ends', () => a.program.stderr().includes('calls under way may finish'), patience)
    expect((await answer(b, state)).result?.['content']).toMatchObject([{ text: expect.stringContaining('client') }])
    server.complete(taskId, 'in time')
    expect((await result).result?.['content']).toMatchObject([{ text: 'in time' }, {}])
    expect(await a.program.exited).toEqual({ code: 0, signal: null })
  })

  it('is named as gone when that one is killed, and nobody waits for it', async () => {
    const state = await park(a)
    const session = await LegacySession.open(at(a))
    const taskId = await begin(session, 'slow')
    const lastEventId = await lose(a, session)
    const there = LegacySession.take(at(b, sessionHeaders(session)))
    const asked = upstream.count('tasks/result')
    const result = there.ask('tasks/result', { taskId })
    const open = await follow(b, session, { headers: { 'last-event-id': lastEventId } })
    await until('both wait for it', () => upstream.count('tasks/result') > asked, patience)
    a.program.child.kill('SIGKILL')
    const killedAt = performance.now()
    await open.ended
    expect((await result).error?.data).toMatchObject({ code: 'replica_lost' })
    // Silence tells after 10 s; that the process is gone tells long before.
    expect(performance.now() - killedAt).toBeLessThan(9_000)
    expect((await answer(b, state)).error?.data).toMatchObject({ code: 'request_state_invalid' })
    const gone = await follow(b, session, { headers: { 'last-event-id': lastEventId } })
    await gone.ended
    expect([gone.status, gone.text()]).toEqual([410, expect.stringContaining('event_unknown')])
    // Its server is still there, and knows it.
    expect((await there.ask('tasks/get', { taskId })).result).toMatchObject({ taskId })
  })
})
