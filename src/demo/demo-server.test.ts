import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { runDemoServer } from './demo-server.ts'

const facts = { version: '1.2.3', now: () => Date.UTC(2027, 0, 31, 12) }

/** Sends lines to a demo server and returns what it answered. */
async function converse(...lines: (string | object)[]): Promise<Record<string, unknown>[]> {
  const [input, output] = [new PassThrough(), new PassThrough()]
  const answered = text(output)
  for (const line of lines) input.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`)
  input.end()
  await runDemoServer({ input, output }, facts)
  output.end()
  const answers = (await answered).trim()
  return answers === '' ? [] : answers.split('\n').map((line) => JSON.parse(line))
}

const request = (method: string, params: object = {}) => ({ jsonrpc: '2.0', id: 1, method, params })
const envelope = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}
const modern = (method: string, params: object = {}, _meta: object = envelope) => request(method, { ...params, _meta })

describe('the demo server', () => {
  it.each([
    ['2025-06-18', '2025-06-18'],
    ['2024-11-05', '2024-11-05'],
    ['1999-01-01', '2025-11-25'],
  ])('answers initialize for %s with %s', async (protocolVersion, expected) => {
    const [answer] = await converse(request('initialize', { protocolVersion, capabilities: {} }))
    expect(answer).toMatchObject({
      id: 1,
      result: { protocolVersion: expected, capabilities: { tools: {} }, serverInfo: { version: '1.2.3' } },
    })
  })

  it('answers server/discover to a modern client', async () => {
    const [answer] = await converse(modern('server/discover'))
    expect(answer).toMatchObject({
      result: {
        resultType: 'complete',
        supportedVersions: ['2026-07-28'],
        ttlMs: 3_600_000,
        cacheScope: 'public',
        _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'toolgate-demo' } },
      },
    })
  })

  it('lists echo and time in both eras', async () => {
    const answers = await converse(request('tools/list'), modern('tools/list'))
    const tools = [{ name: 'echo' }, { name: 'time' }]
    expect(answers).toMatchObject([{ result: { tools } }, { result: { resultType: 'complete', tools } }])
    expect(answers[0]?.['result']).not.toHaveProperty('resultType')
  })

  it('says what it was told', async () => {
    const params = { name: 'echo', arguments: { message: 'Grüß Gott' } }
    const content = [{ type: 'text', text: 'Grüß Gott' }]
    expect(await converse(request('tools/call', params), modern('tools/call', params))).toMatchObject([
      { result: { content } },
      { result: { content, resultType: 'complete' } },
    ])
  })

  it('tells the time in a time zone', async () => {
    const [answer] = await converse(request('tools/call', { name: 'time', arguments: { timeZone: 'Europe/Vienna' } }))
    expect(answer).toMatchObject({
      result: {
        structuredContent: {
          utc: '2027-01-31T12:00:00.000Z',
          local: '2027-01-31 13:00:00',
          timeZone: 'Europe/Vienna',
        },
      },
    })
  })

  it.each([
    [{ name: 'echo' }, '"message" must be a text.'],
    [{ name: 'time', arguments: { timeZone: 'Nowhere' } }, '"timeZone" must be an IANA time zone'],
  ])('complains in the result of a call with wrong arguments: %j', async (params, words) => {
    const [answer] = await converse(request('tools/call', params))
    expect(answer).toMatchObject({ result: { isError: true, content: [{ text: expect.stringContaining(words) }] } })
  })

  it.each<[object | string, number]>([
    [request('tools/call', { name: 'none' }), -32602],
    [request('resources/list'), -32601],
    [modern('initialize'), -32601],
    [modern('tools/list', {}, { ...envelope, 'io.modelcontextprotocol/protocolVersion': '2099-01-01' }), -32022],
    [modern('tools/list', {}, { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' }), -32602],
    [{ jsonrpc: '1.0', id: 1, method: 'ping' }, -32600],
    ['{ not json', -32700],
  ])('refuses %j with %i', async (message, code) => {
    expect(await converse(message)).toMatchObject([{ error: { code } }])
  })

  it('says nothing to notifications, answers and empty lines, and goes on', async () => {
    const note = { jsonrpc: '2.0', method: 'notifications/initialized' }
    const answer = { jsonrpc: '2.0', id: 9, result: {} }
    expect(await converse(note, '', answer, request('ping'))).toEqual([{ jsonrpc: '2.0', id: 1, result: {} }])
  })

  it('ends at a line that never ends', async () => {
    const [input, output] = [new PassThrough({ highWaterMark: 4_000_000 }), new PassThrough()]
    input.write('x'.repeat(1_100_000))
    await expect(runDemoServer({ input, output }, facts)).resolves.toBeUndefined()
  })
})
