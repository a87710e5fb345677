import { describe, expect, it } from 'vitest'
import type { GatewayError } from '#contract/errors.ts'
import { settled } from '#test/support/fake-clock.ts'
import { FakeHttpWire } from '#test/support/fake-http-wire.ts'
import { holdWire } from './hold-wire.ts'

function lab() {
  const wire = new FakeHttpWire((exchange) => exchange.json({}))
  const up = Promise.withResolvers<void>()
  const told: string[] = []
  const answer = {
    head: () => void told.push('head'),
    chunk: () => true,
    end: () => void told.push('end'),
    fail: (error: GatewayError) => void told.push(error.code),
  }
  let isUp = false
  const held = holdWire(wire, () => (isUp ? null : up.promise))
  const send = () => held.send({ method: 'GET', headers: [], silenceMsMax: 0 }, answer)
  const open = (): void => {
    isUp = true
    up.resolve()
  }
  return { wire, up, told, held, send, open }
}

describe('holdWire', () => {
  it('sends nothing before the server is up, and everything then', async () => {
    const { wire, told, send, open } = lab()
    send()
    await settled()
    expect(wire.exchanges).toHaveLength(0)
    open()
    await settled()
    expect(told).toEqual(['head', 'end'])
    send()
    expect(wire.exchanges).toHaveLength(2)
  })

  it('sends nothing that was given up meanwhile', async () => {
    const { wire, told, send, open } = lab()
    send().abort()
    open()
    await settled()
    expect(wire.exchanges).toHaveLength(0)
    expect(told).toEqual([])
  })

  it('gives up at the server what is given up later, and pauses nothing before', async () => {
    const { wire, send, open } = lab()
    wire.script = () => undefined
    const exchange = send()
    exchange.resume()
    open()
    await settled()
    exchange.abort()
    expect(wire.exchanges[0]?.isAborted).toBe(true)
  })

  it('fails what waits for a server that does not come', async () => {
    const { wire, up, told, send } = lab()
    send()
    send().abort()
    up.reject(new Error('it does not start'))
    await settled()
    expect(told).toEqual(['upstream_unreachable'])
    expect(wire.exchanges).toHaveLength(0)
  })

  it('closes with the wire', async () => {
    const { wire, held } = lab()
    await held.close()
    expect(wire.isClosed).toBe(true)
  })
})
