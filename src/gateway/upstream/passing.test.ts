/** Large answers that go through as bytes: what is passed on, and what is said of how they ended. */
import { describe, expect, it } from 'vitest'
import { createEventReader } from '#adapters/mcp-http/event-reader.ts'
import { GatewayError } from '#contract/errors.ts'
import { FakeHttpWire, type FakeExchange } from '#test/support/fake-http-wire.ts'
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
    { wire, createEventReader, responseBytesMax: more.responseBytesMax ?? 2_000_000 },
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
    ['input_required', result({ text: padding, resultType: 'input_required' })],
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
    expect(told.at(-1)).toBe('failed upstream_protocol {"reason":"the body is not JSON"}')
    expect(passedOn()).not.toContain('[1}')
  })

  it('is refused in its own words where it is broken before anything was passed on', () => {
    const { one, told } = start()
    send(one, response(`"result":{"a":[1},"text":"${padding}"}`))
    expect(told).toEqual(['failed upstream_protocol {"reason":"the body is not JSON"}'])
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
