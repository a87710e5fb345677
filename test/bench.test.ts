import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startEntrant, type Entrant } from '../bench/entrants.ts'
import { createHttpReader } from '../bench/http-reader.ts'
import { startLoad, type Load } from '../bench/load-process.ts'
import { findFault, firstId, type Target } from '../bench/load-requests.ts'
import type { LoadOrder } from '../bench/load-run.ts'
import { median, pairedRatio, quantile } from '../bench/statistics.ts'

describe('the bench', () => {
  const open = new AsyncDisposableStack()
  let load: Load
  let upstream: Entrant
  let proxy: Entrant

  beforeAll(async () => {
    load = open.use(startLoad())
    upstream = open.use(await startEntrant.upstream(''))
    proxy = open.use(await startEntrant['bare proxy'](upstream.origin))
  })
  afterAll(() => open.disposeAsync())

  const order = (path: string, target: Omit<Target, 'url'>): LoadOrder => ({
    target: { url: proxy.origin + path, ...target },
    connectionCount: 4,
    seconds: 0.2,
    warmCallCount: 20,
    candidatePid: proxy.pid,
    upstreamPid: upstream.pid,
  })

  it.each<[string, Omit<Target, 'url'>]>([
    ['/legacy/mcp', { era: 'legacy' }],
    ['/legacy/mcp', { era: 'legacy', sessionCount: 1 }],
    ['/modern/mcp', { era: 'modern' }],
    ['/legacy-sse1/mcp', { era: 'legacy', eventCount: 1 }],
    ['/modern-sse10/mcp', { era: 'modern', eventCount: 10 }],
    ['/legacy-100kb/mcp', { era: 'legacy' }],
    ['/legacy-tools20/mcp', { era: 'legacy', method: 'tools/list' }],
  ])('measures a bare proxy before %s, asked as %j, without a fault', async (path, target) => {
    const report = await load.run(order(path, target))
    expect(report).toMatchObject({ faultCount: 0, firstFault: null })
    expect(report.calls).toBeGreaterThan(4)
    expect(report.candidateMicros).toBeGreaterThan(0)
    expect(report.upstreamMicros).toBeGreaterThan(0)
    expect(report.loadMicros).toBeGreaterThan(0)
    expect(report.p99Ms).toBeGreaterThanOrEqual(report.p50Ms)
  })

  it('keeps to a fixed rate when it is given one', async () => {
    const report = await load.run({ ...order('/legacy/mcp', { era: 'legacy' }), seconds: 0.5, callsPerSecond: 100 })
    expect(report.faultCount).toBe(0)
    expect(report.calls).toBeGreaterThan(25)
    expect(report.calls).toBeLessThan(55)
  })

  it('refuses to measure an endpoint that is not there', async () => {
    await expect(load.run(order('/nowhere/mcp', { era: 'legacy' }))).rejects.toThrow('initialize failed')
  })

  it('counts answers that are errors as faults', async () => {
    const report = await load.run(order('/legacy/mcp', { era: 'modern' }))
    expect(report.calls).toBe(0)
    expect(report.faultCount).toBeGreaterThan(0)
    expect(report.firstFault).toContain('the status is not 200')
  })
})

describe('findFault', () => {
  const target: Target = { url: 'http://127.0.0.1:1/mcp', era: 'legacy' }
  const find = (text: string, eventCount: number, head = 'HTTP/1.1 200 OK') =>
    findFault({ ...target, eventCount }, firstId, { head, body: Buffer.from(text) })
  const whole = `data: {"jsonrpc":"2.0","id":${firstId},"result":{"content":[{"type":"text","text":"end-of-answer"}]}}\n\n`

  it.each<[string, string, string | null]>([
    ['a whole answer', whole, null],
    ['another id', whole.replace(String(firstId), '7'), 'the id does not match'],
    ['an error', `data: {"jsonrpc":"2.0","id":${firstId},"error":{"code":-32603}}`, 'there is no result'],
    ['a tool error', whole.replace('"content"', '"isError":true,"content"'), 'there is no result'],
    ['a cut text', whole.replace('end-of-answer', ''), 'the result is cut'],
  ])('judges %s', (_, text, fault) => {
    expect(find(text, 1)).toBe(fault)
  })

  it('misses the second of two events', () => {
    expect(find(whole, 2)).toBe('an event is missing')
  })

  it('judges the status first', () => {
    expect(find(whole, 1, 'HTTP/1.1 403 Forbidden')).toBe('the status is not 200')
  })
})

describe('createHttpReader', () => {
  const wire = Buffer.from(
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst' +
      'HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n' +
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nsecond\r\n1\r\n!\r\n0\r\n\r\n',
  )

  it.each([1, 2, 7, 1000])('reads the same messages from pieces of %i bytes', (size) => {
    const seen: string[] = []
    const reader = createHttpReader((head, body) => seen.push(`${head.slice(9, 12)} ${body.toString()}`))
    for (let at = 0; at < wire.length; at += size) reader.push(wire.subarray(at, at + size))
    expect(seen).toEqual(['200 first', '202 ', '200 second!'])
  })
})

describe('the statistics of the bench', () => {
  it('takes the middle, the share and the paired ratio of samples', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 2, 3])).toBe(2.5)
    expect(quantile([5, 1, 4, 2, 3], 0.5)).toBe(3)
    expect(quantile([5, 1, 4, 2, 3], 0.99)).toBe(5)
    expect(pairedRatio([2, 30, 4], [1, 10, 2])).toBe(2)
    expect(median([])).toBeNaN()
  })
})
