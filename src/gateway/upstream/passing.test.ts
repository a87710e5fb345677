/** Large answers that go through as bytes: what is passed on, and what is said of how they ended. */
import { describe, expect, it } from 'vitest'
import { createEventReader } from '#adapters/mcp-http/event-reader.ts'
import { GatewayError } from '#contract/errors.ts'
import { FakeHttpWire, type FakeExchange } from '#test/support/fake-http-wire.ts'
import { leaseOf } from '#test/support/leases.ts'
import { startExchange } from './http-exchange.ts'
import type { ByteSink } from './upstream-session.ts'

const padding = 'x'.repeat(300_000)

type Passage = { one: FakeExchange; told: string[]; passedOn: () => string }

function start(more: { canWrite?: boolean; responseBytesMax?: number } = {}): Passage {
  const wire = new FakeHttpWire()
  const told: string[] = []
  const pieces: Buffer[] = []
  const sink: ByteSink = {
    canStart: true,
    start: (type) => void told.push(`start ${type}`),
    write: (bytes) => {
      pieces.push(Buffer.from(bytes))
      return more.canWrite ?? true
    },
    onDrain: (resume) => resume(),
    end: () => void told.push('end'),
    destroy: () => void told.push('destroy'),
  }
  startExchange(
    { wire, createEventReader, responseBytesMax: more.responseBytesMax ?? 2_000_000, lease: leaseOf() },
    { method: 'POST', headers: [], silenceMsMax: 0 },
    {
      passing: {
        sink,
        isAnswer: () => true,
        full: () => void told.push('full'),
        drained: () => void told.push('drained'),
        passed: (ending) => void told.push(`passed ${ending}`),
      },
      json: (_head, body) => void told.push(`json ${body.length}`),
      empty: () => void told.push('empty'),
      event: () => void told.push('event'),
      streamEnded: () => void told.push('stream ended'),
      failed: ({ code, details }) => void told.push(`failed ${code} ${JSON.stringify(details)}`),
    },
  )
  const one = wire.last('POST')
  one.head(200, { 'content-type': 'application/json' })
  return { one, told, passedOn: () => Buffer.concat(pieces).toString() }
}

function send(one: FakeExchange, text: string, size = 50_000): void {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) one.chunk(bytes.subarray(at, at + size))
}

const response = (more: string) => `{"jsonrpc":"2.0","id":1,${more}}`
const result = (more: object) => response(`"result":${JSON.stringify(more)}`)

describe('a large answer that is passed on', () => {
  it.each([
    ['ok', result({ content: [{ type: 'text', text: padding }] })],
    [
      'ok',
      result({ content: [{ type: 'text', text: `${padding}"isError":true` }], structuredContent: { isError: true } }),
    ],
    ['tool_error', result({ isError: true, content: [{ type: 'text', text: padding }] })],
    ['tool_error', result({ content: [{ type: 'text', text: padding }], isError: true })],
    ['error', response(`"error":{"code":-32603,"message":"${padding}"}`)],
  ])('ends as %s, wherever it says so, and is passed on byte for byte', (ending, text) => {
    for (const size of [1_000_000, 50_000, 1_021]) {
      const { one, told, passedOn } = start()
      send(one, text, size)
      one.end()
      expect(told).toEqual(['start application/json', 'end', `passed ${ending}`])
      expect(passedOn() === text).toBe(true)
    }
  })

  it('ends as input_required where it turns out to ask for something, without a state', () => {
    const { one, told } = start()
    send(one, result({ text: padding, resultType: 'input_required' }))
    one.end()
    expect(told).toEqual(['start application/json', 'end', 'passed input_required'])
  })

  it.each([
    ['is said to be one that asks', { resultType: 'input_required', text: padding, requestState: 's' }],
    ['has a state', { requestState: 's', text: padding, resultType: 'input_required' }],
    ['has a large state', { requestState: padding, resultType: 'input_required' }],
    ['is said to be one that asks, and has no state', { resultType: 'input_required', text: padding }],
  ])('is held where its result %s at its beginning: a state is not passed on as it is', (_what, given) => {
    for (const size of [1_000_000, 50_000]) {
      const text = result(given)
      const { one, told } = start()
      send(one, text, size)
      one.end()
      expect(told).toEqual([`json ${text.length}`])
    }
  })

  it.each([
    ['a state', { text: padding, requestState: 's', resultType: 'input_required' }],
    ['a state after what says so', { text: padding, resultType: 'input_required', requestState: 's' }],
  ])('is broken off where its result asks with %s too late', (_what, given) => {
    const { one, told, passedOn } = start()
    send(one, result(given), 270_000)
    expect(one.isAborted).toBe(true)
    expect(told).toEqual([
      'start application/json',
      'destroy',
      'failed upstream_protocol {"reason":"a request state comes too late in a large result"}',
    ])
    expect(passedOn()).not.toContain('requestState')
  })

  it('may have what is called a state where it asks for nothing', () => {
    const { one, told } = start()
    send(one, result({ text: padding, resultType: 'complete', requestState: 's' }))
    one.end()
    expect(told).toEqual(['start application/json', 'end', 'passed ok'])
  })

  it('is broken off at a second id, which would make it the answer to another request', () => {
    const { one, told, passedOn } = start()
    send(one, response(`"result":{"text":"${padding}"},"i\\u0064":2`))
    expect(one.isAborted).toBe(true)
    expect(told.at(-1)).toContain('failed upstream_protocol')
    expect(passedOn()).not.toContain('0064')
  })

  it.each([
    ['is cut off', result({ text: padding }).slice(0, -1)],
    ['is cut off in a string', response(`"result":{"text":"${padding}`)],
    ['lacks a brace in its middle', result({ text: padding, nested: { deep: {} }, more: padding }).replace('{}', '{')],
    ['ends twice', `${result({ text: padding })}}`],
  ])('is a failure where it %s, and the client is cut off', (_what, text) => {
    const { one, told } = start()
    send(one, text)
    one.end()
    expect(told.slice(0, 2)).toEqual(['start application/json', 'destroy'])
    expect(told.slice(2)).toEqual([expect.stringContaining('failed upstream_protocol')])
  })

  it('is given up as soon as it is broken', () => {
    const { one, told, passedOn } = start()
    send(one, response(`"result":{"text":"${padding}","a":[1}`))
    expect(one.isAborted).toBe(true)
    expect(told.at(-1)).toBe('failed upstream_protocol {"reason":"the body is no JSON-RPC response"}')
    expect(passedOn()).not.toContain('[1}')
  })

  it('is refused in its own words where it is broken before anything was passed on', () => {
    const { one, told } = start()
    send(one, response(`"result":{"a":[1},"text":"${padding}"}`))
    expect(told).toEqual(['failed upstream_protocol {"reason":"the body is no JSON-RPC response"}'])
  })

  it('is cut off at the limit, and where the upstream is lost', () => {
    const large = start({ responseBytesMax: 350_000 })
    send(large.one, result({ text: padding, more: padding }))
    expect(large.told).toEqual(['start application/json', 'destroy', 'failed upstream_too_large {}'])
    const lost = start()
    send(lost.one, result({ text: padding }).slice(0, -100))
    lost.one.fail(new GatewayError('upstream_closed'))
    expect(lost.told).toEqual(['start application/json', 'destroy', 'failed upstream_closed {}'])
  })

  it('waits where the client does not read', () => {
    const { one } = start({ canWrite: false })
    send(one, result({ text: padding }))
    expect(one.isPaused).toBe(true)
  })
})
