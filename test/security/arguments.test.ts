/** A rule on arguments is meant for what the server reads, not for what one reader of JSON makes of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { codeOf, openLegacy, openModern, openWebSocket, parseMessage } from '../support/raw-client.ts'
import { startRawGateway, type RawGateway } from '../support/raw-gateway.ts'
import { rawUpstream, toServer, type RawUpstream } from '../support/raw-upstream.ts'

const open = new AsyncDisposableStack()
let gateway: RawGateway
let upstream: RawUpstream

const rules = [
  { server: 'label:disk', tool: 'read', level: 'execute', conditions: [{ path: '$.path', matches: '/tmp/*' }] },
  { server: 'label:disk', tool: 'strict', level: 'execute', allowedParams: ['path'] },
  { tool: 'wipe', level: 'execute' },
  { tool: 'wipe', level: 'deny', conditions: [{ path: '$.options.all', eq: true }] },
]

beforeAll(async () => {
  upstream = open.use(await rawUpstream({ era: 'legacy', tools: ['read', 'strict', 'wipe'] }))
  gateway = open.use(
    await startRawGateway({
      servers: [{ ...toServer('files', upstream), labels: ['disk'] }],
      policies: [{ name: 'careful', rules }],
      tokens: { c: ['careful'] },
    }),
  )
})

beforeEach(() => {
  upstream.seen.length = 0
})

afterAll(() => open.disposeAsync())

const calls = (): string[] => upstream.seen.filter(({ text }) => text.includes('tools/call')).map(({ text }) => text)
const body = (name: string, argumentsText: string): string =>
  `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"${name}","arguments":${argumentsText}}}`
const padding = `"pad":"${'x'.repeat(20_000)}"`

describe.each([
  ['small', ''],
  ['large', `,${padding}`],
])('arguments of a %s request', (_size, more) => {
  const call = async (name: string, text: string) => {
    const client = await openLegacy(gateway, { token: 'c', path: '/files/mcp' })
    return parseMessage((await client.post(body(name, text))).text)
  }

  it('that stand there twice reach the server as they were judged', async () => {
    const twice = await call('read', `{"path":"/etc/shadow","path":"/tmp/x"${more}}`)
    expect(twice['result']).toBeDefined()
    expect(calls()).toHaveLength(1)
    expect(calls()[0]).toContain('/tmp/x')
    expect(calls()[0]).not.toContain('/etc/shadow')
    const turned = await call('read', `{"path":"/tmp/x","path":"/etc/shadow"${more}}`)
    expect(codeOf(turned)).toBe('forbidden')
    expect(calls()).toHaveLength(1)
  })

  it('that are spelt with escapes are the same arguments', async () => {
    expect(codeOf(await call('read', `{"p\\u0061th":"/etc/shadow"${more}}`))).toBe('forbidden')
    expect((await call('read', `{"p\\u0061th":"\\/tmp\\/x"${more}}`))['result']).toBeDefined()
    expect(codeOf(await call('wipe', `{"options":{"\\u0061ll":true}${more}}`))).toBe('forbidden')
    expect(calls()).toHaveLength(1)
  })

  it.each([
    ['read', '{"path":"/tmp/x","Path":"/etc/shadow"'],
    ['read', '{"PATH":"/tmp/x"'],
    ['read', '{"path":["/tmp/x"]'],
    ['read', '{"path":{"toString":"/tmp/x"}'],
    ['read', '{"path":null'],
    ['read', '{"__proto__":{"path":"/tmp/x"}'],
    ['read', '{"paths":"/tmp/x"'],
    ['strict', '{"path":"/tmp/x","mode":"w"'],
    ['strict', '{"Path":"/tmp/x"'],
    ['wipe', '{"options":{"all":"true"}'],
    ['wipe', '{"options":{"All":false,"all":false}'],
    ['wipe', '{"options":"{\\"all\\":true}"'],
    ['wipe', '{"Options":{"all":true}'],
    ['wipe', '{"options":{"all":1}'],
    ['wipe', '{"a":1'],
  ])('of %s that cannot be judged, such as %s, are refused', async (name, text) => {
    expect(codeOf(await call(name, `${text}${more}}`))).toBe('forbidden')
    expect(calls()).toEqual([])
  })

  it('that a rule allows pass', async () => {
    expect((await call('wipe', `{"options":{"all":false}${more}}`))['result']).toBeDefined()
    expect(calls()).toHaveLength(1)
  })
})

describe('what is no object', () => {
  it.each(['"/tmp/x"', '["/tmp/x"]', '1', 'true'])('(%s) is no set of arguments that a rule allows', async (text) => {
    const client = await openLegacy(gateway, { token: 'c', path: '/files/mcp' })
    for (const name of ['read', 'strict', 'wipe'])
      expect(codeOf(parseMessage((await client.post(body(name, text))).text))).toBe('forbidden')
    expect(calls()).toEqual([])
  })
})

describe('every wire', () => {
  it('asks for arguments alike: modern HTTP, a batch, a WebSocket', async () => {
    const params = { name: 'files__read', arguments: { path: '/etc/shadow' } }
    expect(codeOf(await openModern(gateway, { token: 'c' }).request('tools/call', params))).toBe('forbidden')
    const old = await openLegacy(gateway, { token: 'c', revision: '2025-03-26' })
    const part = (id: number, path: string) => ({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name: 'files__read', arguments: { path } },
    })
    const { text } = await old.post([part(1, '/etc/shadow'), part(2, '/tmp/x')])
    expect(text.match(/forbidden/g)).toHaveLength(1)
    expect(calls()).toHaveLength(1)
    const peer = await openWebSocket(gateway, { token: 'c', path: '/mcp/ws' })
    await peer.request('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'c', version: '1' },
    })
    expect(codeOf(await peer.request('tools/call', params))).toBe('forbidden')
    peer.close()
    expect(calls()).toHaveLength(1)
  })
})

describe('a refusal', () => {
  it('names the argument, and says what stood there neither to the caller nor in the audit log', async () => {
    const client = openModern(gateway, { token: 'c', path: '/files/mcp' })
    const answer = await client.request('tools/call', { name: 'read', arguments: { path: 'CANARY', 'CANARY 2': 1 } })
    expect(answer['error']).toMatchObject({
      code: -32004,
      data: { reason: 'default of policy careful; rule 0 of policy careful does not allow this $.path' },
    })
    const events = await gateway.audit()
    expect(events[0]).toMatchObject({ effect: 'deny', outcome: 'forbidden', target: 'read' })
    expect(JSON.stringify([answer, events])).not.toContain('CANARY')
  })
})
