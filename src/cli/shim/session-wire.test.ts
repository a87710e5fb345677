import { beforeEach, describe, expect, it } from 'vitest'
import type { ShimAnswer } from '#contract/session-socket.ts'
import type { WireHead } from '#core/upstream/http-wire.ts'
import { FakeHttpWire } from '#test/support/fake-http-wire.ts'
import { createSessionWire } from './session-wire.ts'

const place = (token: string | null, url = 'https://gate.example/one'): ShimAnswer => ({ url, token })

let wires: Map<string, FakeHttpWire>
let answers: (ShimAnswer | Error)[]

beforeEach(() => {
  wires = new Map()
  answers = []
})

function open() {
  return createSessionWire({
    ask: async () => {
      const next = answers.shift() ?? new Error('asked too often')
      if (next instanceof Error) throw next
      return next
    },
    openWire: (url) => {
      const wire = new FakeHttpWire()
      wires.set(url, wire)
      return wire
    },
  })
}

/** What came back, as text. */
function listen() {
  const heard: string[] = []
  return {
    heard,
    head: (head: WireHead) => void heard.push(`${head.status} ${head.header('content-type')}`),
    chunk: (bytes: Uint8Array) => (heard.push(Buffer.from(bytes).toString()), true),
    end: () => void heard.push('end'),
    fail: () => void heard.push('fail'),
  }
}

const request = { method: 'POST' as const, headers: ['accept', 'x'], body: '{}', silenceMsMax: 1 }
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const sent = (url = 'https://gate.example/one') => wires.get(url)?.exchanges ?? []

describe('a session wire', () => {
  it('asks anew for each request, and keeps no token', async () => {
    answers = [place('tgs_first'), place('tgs_second'), place(null)]
    const wire = open()
    for (let count = 0; count < 3; count++) wire.send(request, listen())
    await settled()
    expect(sent().map((exchange) => exchange.header('authorization'))).toEqual([
      'Bearer tgs_first',
      'Bearer tgs_second',
      undefined,
    ])
    expect(sent()[0]?.request).toMatchObject({ method: 'POST', body: '{}' })
  })

  it('goes where the session is now', async () => {
    answers = [place('t'), place('t', 'https://gate.example/two')]
    const wire = open()
    wire.send(request, listen())
    await settled()
    wire.send(request, listen())
    await settled()
    expect([sent().length, sent('https://gate.example/two').length]).toEqual([1, 1])
  })

  it.each<[string, ShimAnswer | Error, RegExp]>([
    ['the adapter does not know the session', { error: 'unknown' }, /^403 .*"code":"session_not_found"/s],
    ['the adapter answers something else', { servers: [] }, /^403 .*"code":"session_not_found"/s],
    ['nobody answers', new Error('secret path'), /^502 .*"code":"credential_missing".*does not answer/s],
  ])('sends nothing where %s', async (_what, answer, told) => {
    answers = [answer]
    const listener = listen()
    open().send(request, listener)
    await settled()
    expect(wires.size).toBe(0)
    expect(listener.heard.join(' ')).toMatch(told)
    expect(listener.heard.join(' ')).not.toContain('secret path')
    expect(listener.heard.at(-1)).toBe('end')
  })

  it('sends nothing that was given up before it was known where to', async () => {
    answers = [place('t'), new Error('gone')]
    const [one, other] = [listen(), listen()]
    const wire = open()
    wire.send(request, one).abort()
    wire.send(request, other).abort()
    await settled()
    expect(wires.size).toBe(0)
    expect([...one.heard, ...other.heard]).toEqual([])
  })

  it('gives up what is under way', async () => {
    answers = [place('t')]
    const exchange = open().send(request, listen())
    await settled()
    exchange.abort()
    expect(sent()[0]?.isAborted).toBe(true)
  })
})
