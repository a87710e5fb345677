import { createServer, type Server } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import type { HttpWire, WireAnswer, WireRequest } from '#core/upstream/http-wire.ts'
import { holdWire } from './hold-wire.ts'
import { PortGate } from './port-gate.ts'

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
})

async function listenOn(port: number): Promise<number> {
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  servers.push(server)
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function freePort(): Promise<number> {
  const port = await listenOn(0)
  await new Promise((resolve) => servers.pop()?.close(resolve))
  return port
}

describe('PortGate', () => {
  it('opens when something listens, and is open then', async () => {
    const port = await freePort()
    const gate = new PortGate(port, 5_000)
    const opened = gate.untilOpen()
    gate.watch()
    await listenOn(port)
    await opened
    expect(gate.untilOpen()).toBeNull()
  })

  it('waits again after it was shut', async () => {
    const port = await freePort()
    const gate = new PortGate(port, 5_000)
    gate.watch()
    await listenOn(port)
    await gate.untilOpen()
    gate.shut()
    const again = gate.untilOpen()
    expect(again).not.toBeNull()
    gate.watch()
    await again
    expect(gate.untilOpen()).toBeNull()
  })

  it('gives up waiting after its time', async () => {
    const gate = new PortGate(await freePort(), 20)
    gate.watch()
    await expect(gate.untilOpen()).rejects.toThrow('does not listen')
    gate.shut()
  })
})

const request: WireRequest = { method: 'POST', headers: [], silenceMsMax: 0 }

function startHeld(untilUp: () => Promise<void> | null) {
  const happened: string[] = []
  const wire: HttpWire = {
    send: () => {
      happened.push('sent')
      return { resume: () => happened.push('resumed'), abort: () => happened.push('aborted') }
    },
    close: () => Promise.resolve(),
  }
  const answer: WireAnswer = {
    head: () => undefined,
    chunk: () => true,
    end: () => undefined,
    fail: (error) => happened.push(error instanceof GatewayError ? error.code : 'other'),
  }
  return { happened, exchange: holdWire(wire, untilUp).send(request, answer) }
}

describe('holdWire', () => {
  it('sends at once where the server is up', () => {
    expect(startHeld(() => null).happened).toEqual(['sent'])
  })

  it('sends when the server comes up', async () => {
    const up = Promise.withResolvers<void>()
    const { happened, exchange } = startHeld(() => up.promise)
    expect(happened).toEqual([])
    up.resolve()
    await up.promise
    expect(happened).toEqual(['sent'])
    exchange.abort()
    expect(happened).toEqual(['sent', 'aborted'])
  })

  it('fails where it does not come up', async () => {
    const { happened } = startHeld(() => Promise.reject(new Error('late')))
    await new Promise((resolve) => setImmediate(resolve))
    expect(happened).toEqual(['upstream_unreachable'])
  })

  it('sends nothing and tells nothing after an abort', async () => {
    const up = Promise.withResolvers<void>()
    const { happened, exchange } = startHeld(() => up.promise)
    exchange.abort()
    up.resolve()
    await up.promise
    expect(happened).toEqual([])
  })
})
