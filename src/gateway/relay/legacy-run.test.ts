import { beforeEach, describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import type { Outcome, RpcNotification } from '#core/protocol/json-rpc.ts'
import { FakeClock, settled } from '#test/support/fake-clock.ts'
import { LegacyRun } from './legacy-run.ts'

let clock: FakeClock
let run: LegacyRun
let heard: RpcNotification[]
const reply = { notify: (note: RpcNotification) => void heard.push(note), ask: null }
const hooks = () => run.hooks(() => true)
const elicit = (message: string) => ({ method: 'elicitation/create', params: { message } })
const accept = { action: 'accept', content: {} }

/** A call of the upstream that the test ends. */
function follow(): PromiseWithResolvers<Outcome> {
  const call = Promise.withResolvers<Outcome>()
  run.follow(call.promise)
  return call
}

beforeEach(() => {
  clock = new FakeClock()
  run = new LegacyRun(clock)
  heard = []
})

describe('LegacyRun', () => {
  it('stops when the call has been answered', async () => {
    const call = follow()
    const stop = run.nextStop(reply)
    call.resolve({ result: { content: [] } })
    expect(await stop).toEqual({ kind: 'answered', outcome: { result: { content: [] } } })
  })

  it('stops with the failure when the call fails', async () => {
    const call = follow()
    call.reject(new GatewayError('upstream_closed'))
    await settled()
    expect(await run.nextStop(reply)).toMatchObject({ kind: 'failed', error: { code: 'upstream_closed' } })
  })

  it('asks together what is asked within moments', async () => {
    follow()
    const stop = run.nextStop(reply)
    void hooks().ask(elicit('first'))
    await clock.advance(20)
    void hooks().ask(elicit('second'))
    await clock.advance(19)
    void hooks().ask({ method: 'roots/list', params: undefined })
    await clock.advance(1)
    expect(await stop).toEqual({ kind: 'asked' })
    expect(run.questions).toEqual({
      q1: { method: 'elicitation/create', params: { message: 'first' } },
      q2: { method: 'elicitation/create', params: { message: 'second' } },
      q3: { method: 'roots/list', params: {} },
    })
  })

  it('asks in the modern form, without members that only legacy questions have', async () => {
    follow()
    void hooks().ask({
      method: 'elicitation/create',
      params: { mode: 'url', url: 'https://a.example', elicitationId: 'e', _meta: { progressToken: 1 } },
    })
    expect(run.questions).toEqual({
      q1: { method: 'elicitation/create', params: { mode: 'url', url: 'https://a.example' } },
    })
  })

  it('hands answers to who asked, and goes on', async () => {
    const call = follow()
    const asked = run.nextStop(reply)
    const first = hooks().ask(elicit('first'))
    const roots = hooks().ask({ method: 'roots/list', params: undefined })
    await clock.advance(40)
    await asked
    expect(run.supply({ q1: accept, q2: { roots: [] } })).toBe(true)
    expect([await first, await roots]).toEqual([{ result: accept }, { result: { roots: [] } }])
    const stop = run.nextStop(reply)
    call.resolve({ result: {} })
    expect((await stop).kind).toBe('answered')
  })

  it.each([
    ['nothing', undefined],
    ['no object', [accept]],
    ['another key', { q7: accept }],
    ['an answer without an action', { q1: { content: {} } }],
    ['an action that is none', { q1: { action: 'perhaps' } }],
    ['a text', { q1: 'accept' }],
  ])('keeps a question open for which %s came', (_what, responses) => {
    follow()
    void hooks().ask(elicit('first'))
    expect(run.supply(responses)).toBe(false)
    expect(Object.keys(run.questions)).toEqual(['q1'])
  })

  it('asks again only for what was not answered', () => {
    follow()
    void hooks().ask(elicit('first'))
    void hooks().ask(elicit('second'))
    expect(run.supply({ q2: accept })).toBe(false)
    expect(Object.keys(run.questions)).toEqual(['q1'])
  })

  it('tells of an end that came while it was parked', async () => {
    const call = follow()
    const asked = run.nextStop(reply)
    void hooks().ask(elicit('first'))
    await clock.advance(40)
    await asked
    call.reject(new GatewayError('upstream_timeout'))
    await settled()
    expect(await run.nextStop(reply)).toMatchObject({ kind: 'failed', error: { code: 'upstream_timeout' } })
  })

  it('tells what is said to the request that waits, and to nobody while none does', async () => {
    const call = follow()
    const note = { jsonrpc: '2.0' as const, method: 'notifications/progress' }
    hooks().notify(note)
    const stop = run.nextStop(reply)
    hooks().notify(note)
    run.hooks(() => false).notify(note)
    call.resolve({ result: {} })
    await stop
    hooks().notify(note)
    expect(heard).toEqual([note])
  })

  it('when abandoned, answers its open questions and cancels the call', async () => {
    follow()
    const asked = hooks().ask(elicit('first'))
    run.abandon()
    expect(await asked).toMatchObject({ error: { data: { code: 'request_cancelled' } } })
    expect(run.cancellation.isCancelled).toBe(true)
    expect(run.questions).toEqual({})
  })

  it('answers at once what is asked after it was abandoned', async () => {
    follow()
    run.abandon()
    expect(await hooks().ask(elicit('late'))).toMatchObject({ error: { data: { code: 'request_cancelled' } } })
    expect(clock.waiting).toBe(0)
  })
})
