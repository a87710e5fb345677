/** Where arguments and results are recorded, no secret is: of a caller, of a server, or of the gateway. */
import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readAuditRows } from '../support/audit-rows.ts'
import { startGateway, type GatewayProcess } from '../support/gateway-process.ts'
import { LegacySession, askModern } from '../support/raw/client.ts'
import { RpcFailure, textResult, tool, type Json } from '../support/raw/exchange.ts'
import { startRawUpstream } from '../support/raw/http-upstream.ts'
import { tokenFor } from '../support/tokens.ts'

const canary = 'cAnArY7f3a9e'
const credential = `upstream-bearer-${canary}`
const header = `static-header-${canary}`
const inQuery = `key-in-address-${canary}`
const bearer = tokenFor('alice')

let open: AsyncDisposableStack
let gateway: GatewayProcess

async function start(audit: Json): Promise<void> {
  const handlers = {
    'tools/list': () => ({ tools: ['echo', 'leak', 'fail', 'large'].map((name) => tool(name)) }),
    'tools/call': ({ params }: { params: Json }) => {
      const args = JSON.stringify(params['arguments'])
      if (params['name'] === 'fail') throw new RpcFailure(-32603, `words with ${credential}`)
      if (params['name'] === 'large') return textResult('z'.repeat(300_000))
      return textResult(params['name'] === 'leak' ? `sent ${credential} and ${header} to ?key=${inQuery}` : args)
    },
  }
  const upstream = open.use(await startRawUpstream(['legacy'], { handlers }))
  gateway = open.use(
    await startGateway({
      audit,
      limits: { auditPayloadBytesMax: 1_000 },
      servers: {
        alpha: {
          url: `${upstream.url}?key=${inQuery}`,
          credential: { kind: 'bearer', token: credential },
          headers: { 'x-extra': header },
        },
      },
      policies: { all: { default: 'execute' } },
      tokens: [{ name: 'alice', secret: bearer, policies: ['all'] }],
    }),
  )
}

beforeEach(() => void (open = new AsyncDisposableStack()))
afterEach(() => open.disposeAsync())

const secrets: Json = {
  visible: 'plain words',
  password: canary,
  nested: [{ api_key: canary, 'X-Authorization': { any: [canary] } }],
  command: `curl -H "Authorization: Bearer ${canary}" https://u:${canary}@example.com/?token=${canary}`,
  body: JSON.stringify({ client_secret: canary, inner: JSON.stringify({ cookie: canary }) }),
  note: `ours ${bearer} and tgs_0123abcd_${canary}.${canary}`,
  echoed: [credential, `Bearer ${credential}`, Buffer.from(`x:${credential}`).toString('base64'), header, inQuery],
  [bearer]: 1,
}

type Row = ReturnType<typeof readAuditRows>[number] & Record<'arguments' | 'result' | 'arguments_digest', string>

async function rowsAtTheEnd(): Promise<Row[]> {
  await gateway.stop()
  return (readAuditRows(gateway.databasePath) as Row[]).filter(({ method }) => method === 'tools/call')
}

async function callAll(): Promise<void> {
  const to = { url: `${gateway.url}/alpha/mcp`, token: bearer }
  await using session = await LegacySession.open(to)
  for (const name of ['echo', 'leak', 'fail', 'large']) {
    await askModern(to, { method: 'tools/call', params: { name, arguments: secrets } })
    await session.ask('tools/call', { name, arguments: secrets })
  }
}

async function expectNoSecretStored(): Promise<void> {
  const files = await Promise.all(
    ['', '-wal'].map((end) => readFile(gateway.databasePath + end).catch(() => Buffer.alloc(0))),
  )
  const stored = Buffer.concat(files).toString('latin1') + gateway.log()
  expect(stored).toContain('alpha')
  expect(stored).not.toContain(canary)
  expect(stored).not.toContain(bearer)
  expect(stored).not.toContain(Buffer.from(credential).toString('base64').slice(4, -4))
}

describe('arguments and results', () => {
  it('are recorded without what is secret, where that is wanted', async () => {
    await start({ payloads: 'redacted' })
    await callAll()
    const rows = await rowsAtTheEnd()
    expect(rows).toHaveLength(8)
    for (const row of rows) {
      expect(row.arguments).toContain('"visible":"plain words"')
      expect(row.arguments).toContain('"password":"[redacted]"')
      expect(row.arguments_digest).toMatch(/^[0-9a-f]{64}$/)
    }
    const resultsOf = (name: string): string[] =>
      rows.flatMap(({ target, result }) => (target === name ? [result] : []))
    for (const result of resultsOf('echo')) expect(result).toContain('plain words')
    for (const result of resultsOf('leak')) expect(result).toContain('sent [redacted]')
    expect(resultsOf('large')).toHaveLength(2)
    await expectNoSecretStored()
  })

  it('are cut', async () => {
    await start({ payloads: 'redacted' })
    const to = { url: `${gateway.url}/alpha/mcp`, token: bearer }
    const text = 'é'.repeat(300_000)
    await askModern(to, { method: 'tools/call', params: { name: 'echo', arguments: { text } } })
    const [row] = await rowsAtTheEnd()
    expect(Buffer.byteLength(row?.arguments ?? '')).toBeLessThanOrEqual(1_000)
    expect(row?.arguments).toMatch(/^\{"text":"éé.*…$/)
    expect(Buffer.byteLength(row?.result ?? '')).toBeLessThanOrEqual(1_000)
  })

  it('are not recorded unless that is wanted; what they hash to is', async () => {
    await start({})
    await callAll()
    const rows = await rowsAtTheEnd()
    expect(rows).toHaveLength(8)
    expect(new Set(rows.map(({ arguments: args, result }) => args + result))).toEqual(new Set(['']))
    expect(new Set(rows.map((row) => row.arguments_digest)).size).toBe(1)
    await expectNoSecretStored()
  })
})
