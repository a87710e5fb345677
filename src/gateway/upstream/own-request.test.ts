import { beforeEach, describe, expect, it } from 'vitest'
import { createEventReader } from '#adapters/mcp-http/event-reader.ts'
import { GatewayError } from '#contract/errors.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import { failureOf } from '#test/support/failure.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { FakeHttpWire } from '#test/support/fake-http-wire.ts'
import { leaseOf } from '#test/support/leases.ts'
import { sendOwn, type OwnAnswer } from './own-request.ts'

let clock: FakeClock
let wire: FakeHttpWire
let cancellation: Cancellation

beforeEach(() => {
  clock = new FakeClock()
  wire = new FakeHttpWire()
  cancellation = new Cancellation()
})

function send(id: number | null = 1): Promise<OwnAnswer> {
  const body = JSON.stringify({ jsonrpc: '2.0', id, method: 'ping' })
  const request = { method: 'POST' as const, headers: [], body, silenceMsMax: 0 }
  const exchange = { wire, createEventReader, responseBytesMax: 10_000, lease: leaseOf() }
  return sendOwn({ exchange, clock, timeoutMs: 1_000 }, { request, id, cancellation })
}

const response = { jsonrpc: '2.0', id: 1, result: { a: 1 } }

describe('sendOwn', () => {
  it('gives the outcome and the head of a JSON answer', async () => {
    const answer = send()
    wire.last('ping').json(response, 200, { 'mcp-session-id': 's' })
    const { head, outcome } = await answer
    expect(outcome).toEqual({ result: { a: 1 } })
    expect(head?.header('mcp-session-id')).toBe('s')
    expect(clock.waiting).toBe(0)
  })

  it('gives the outcome that comes on a stream, whatever comes before it, and ends the stream', async () => {
    const answer = send()
    const exchange = wire.last('ping')
    exchange.openStream()
    exchange.event('', '1')
    exchange.event({ jsonrpc: '2.0', method: 'notifications/message' })
    exchange.event({ ...response, id: 2 })
    exchange.event(response)
    expect(await answer).toMatchObject({ outcome: { result: { a: 1 } } })
    expect(exchange.isAborted).toBe(true)
  })

  it('takes a response without an id for its own', async () => {
    const answer = send()
    wire.last('ping').json({ jsonrpc: '2.0', id: null, error: { code: -32600, message: 'no' } }, 400)
    expect(await answer).toMatchObject({ head: { status: 400 }, outcome: { error: { code: -32600 } } })
  })

  it.each([
    ['of another id', { ...response, id: 'server-error' }],
    ['that is no response', { jsonrpc: '2.0', id: 1, method: 'x' }],
    ['that is no JSON', '<html>'],
  ])('gives no outcome for a body %s', async (_what, body) => {
    const answer = send()
    wire.last('ping').json(body, 400)
    expect(await answer).toMatchObject({ head: { status: 400 }, outcome: undefined })
  })

  it('gives no outcome for an empty answer', async () => {
    const answer = send()
    wire.last('ping').empty(202)
    expect(await answer).toMatchObject({ head: { status: 202 }, outcome: undefined })
  })

  it('waits for no response where none is expected', async () => {
    const answer = send(null)
    wire.last('ping').openStream()
    wire.last('ping').end()
    expect(await answer).toMatchObject({ outcome: undefined })
  })

  it('fails when a stream ends before the answer', async () => {
    const answer = send()
    wire.last('ping').openStream()
    wire.last('ping').end()
    await expect(answer).rejects.toMatchObject({ code: 'upstream_closed' })
  })

  it('fails as the wire does', async () => {
    const answer = send()
    wire.last('ping').fail(new GatewayError('upstream_unreachable'))
    await expect(answer).rejects.toMatchObject({ code: 'upstream_unreachable' })
    expect(clock.waiting).toBe(0)
  })

  it('fails when its time is over, however lively the upstream is', async () => {
    const failure = failureOf(send())
    const exchange = wire.last('ping')
    exchange.openStream()
    for (let i = 0; i < 10; i++) {
      await clock.advance(100)
      exchange.chunk(': still here\n\n')
    }
    expect(await failure).toMatchObject({ code: 'upstream_timeout' })
    expect(exchange.isAborted).toBe(true)
  })

  it('fails at the cancel, before it or after it was sent', async () => {
    const answer = send()
    cancellation.cancel()
    await expect(answer).rejects.toMatchObject({ code: 'upstream_closed' })
    await expect(send()).rejects.toMatchObject({ code: 'upstream_closed' })
    expect(wire.exchanges.every(({ isAborted }) => isAborted)).toBe(true)
    expect(clock.waiting).toBe(0)
  })
})
