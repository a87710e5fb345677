/** What happened is in the database when the gateway has ended, whatever the ending of the call was. */
import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readAuditRows, type AuditRow } from '../support/audit-rows.ts'
import { findFreePort } from '../support/free-port.ts'
import { startGateway, type GatewayProcess } from '../support/gateway-process.ts'
import { plant } from '../support/planted.ts'
import { LegacySession, askModern } from '../support/raw/client.ts'
import { RpcFailure, textResult, tool, type Json } from '../support/raw/exchange.ts'
import { startRawUpstream, type RawUpstream } from '../support/raw/http-upstream.ts'
import { tokenFor } from '../support/tokens.ts'

const credential = plant('credential')
let open: AsyncDisposableStack
let gateway: GatewayProcess
let upstream: RawUpstream
const waiting = { begun: Promise.withResolvers<void>(), givenUp: Promise.withResolvers<void>() }

beforeEach(async () => {
  open = new AsyncDisposableStack()
  waiting.begun = Promise.withResolvers<void>()
  waiting.givenUp = Promise.withResolvers<void>()
  const handlers = {
    'tools/list': () => ({ tools: ['echo', 'fail', 'refuse', 'wait', 'delete'].map((name) => tool(name)) }),
    'tools/call': async ({ params, cancelled }: { params: Json; cancelled: Promise<void> }) => {
      if (params['name'] === 'fail') return { ...textResult('no luck'), isError: true }
      if (params['name'] === 'refuse') throw new RpcFailure(-32603, 'upstream words')
      if (params['name'] === 'wait') {
        waiting.begun.resolve()
        await cancelled
        waiting.givenUp.resolve()
      }
      return textResult('done')
    },
  }
  upstream = open.use(await startRawUpstream(['legacy'], { handlers }))
  gateway = open.use(
    await startGateway({
      servers: {
        alpha: { url: upstream.url, aliases: ['first'], credential: { kind: 'bearer', token: credential } },
        dead: { url: `http://127.0.0.1:${await findFreePort()}/mcp` },
      },
      policies: { most: { default: 'execute', rules: [{ tool: 'delete', level: 'read' }] } },
      tokens: [{ name: 'alice', secret: tokenFor('alice'), policies: ['most'] }],
    }),
  )
})

afterEach(() => open.disposeAsync())

const at = (path = '/mcp') => ({ url: gateway.url + path, token: tokenFor('alice') })
const call = (name: string, path?: string, signal?: AbortSignal) =>
  askModern(
    at(path),
    { method: 'tools/call', params: { name, arguments: { password: 'caller-s3cret' } } },
    signal ? { signal } : {},
  )

async function rowsAtTheEnd(): Promise<AuditRow[]> {
  await gateway.stop()
  return readAuditRows(gateway.databasePath)
}

const inShort = ({ method, server, target, effect, reason, outcome }: AuditRow) => ({
  method,
  server,
  target,
  effect,
  reason,
  outcome,
})

describe('the audit log', () => {
  it('holds one row for each call: allowed, failed, denied, unknown, unreachable', async () => {
    await call('alpha__echo')
    await call('first__fail')
    await call('refuse', '/first/mcp')
    await call('alpha__delete')
    await call('alpha__nothing')
    await call('echo', '/dead/mcp')
    const rows = (await rowsAtTheEnd()).filter(({ method }) => method === 'tools/call')
    const allowed = { method: 'tools/call', server: 'alpha', effect: 'allow', reason: 'default of policy most' }
    expect(rows.map(inShort)).toEqual([
      { ...allowed, target: 'echo', outcome: 'ok' },
      { ...allowed, target: 'fail', outcome: 'tool_error' },
      { ...allowed, target: 'refuse', outcome: 'error' },
      { ...allowed, target: 'delete', effect: 'deny', reason: 'rule 0 of policy most', outcome: 'forbidden' },
      {
        ...allowed,
        server: '',
        target: 'alpha__nothing',
        effect: 'deny',
        reason: 'tool_not_found',
        outcome: 'tool_not_found',
      },
      { ...allowed, server: 'dead', target: 'echo', reason: '', outcome: 'upstream_unreachable' },
    ])
    expect(rows.map(({ token_name: name }) => name)).toEqual(rows.map(() => 'alice'))
  })

  it('holds a row for each refused token, and none of its text', async () => {
    const stranger = { ...at('/alpha/mcp'), token: tokenFor('stranger') }
    expect((await askModern(stranger, { method: 'tools/list' })).status).toBe(401)
    const [row] = (await rowsAtTheEnd()).filter(({ kind }) => kind === 'auth_failure')
    expect(row).toMatchObject({
      token_name: '',
      endpoint: '/alpha/mcp',
      effect: 'deny',
      reason: 'unauthorized',
      outcome: 'unauthorized',
    })
  })

  it('holds what a legacy session did, and how a call ended that was given up', async () => {
    await using session = await LegacySession.open(at('/alpha/mcp'))
    await session.ask('tools/call', { name: 'echo', arguments: {} })
    const controller = new AbortController()
    const given = call('alpha__wait', '/mcp', controller.signal)
    await waiting.begun.promise
    controller.abort()
    await expect(given).rejects.toThrow(/abort/)
    // The gateway gives a call up at the server when it has noticed that its client is gone: before that, its own end would be the call's.
    await waiting.givenUp.promise
    const rows = (await rowsAtTheEnd()).filter(({ method }) => method === 'tools/call')
    expect(rows.map(({ target, outcome }) => [target, outcome])).toEqual([
      ['echo', 'ok'],
      ['wait', 'request_cancelled'],
    ])
  })

  it('holds a row for each change of the configuration, applied or not', async () => {
    const before = { servers: { alpha: { url: upstream.url } }, policies: {}, tokens: [] }
    await gateway.writeConfig(before)
    await gateway.untilLogged('the configuration was applied')
    await gateway.writeConfig({ ...before, servers: { alpha: { url: 'not a url' } } })
    await gateway.untilLogged('the configuration was not applied')
    const rows = (await rowsAtTheEnd()).filter(({ kind }) => kind === 'config_change')
    expect(rows.map(({ effect, outcome }) => [effect, outcome])).toEqual([
      ['allow', 'ok'],
      ['deny', 'config_invalid'],
    ])
  })

  it('loses no call to a flood of strangers, and says how many of those it did not store', async () => {
    await call('alpha__echo')
    const flood = async (): Promise<void> => {
      for (let index = 0; index < 300; index++) await fetch(`${gateway.url}/mcp`, { method: 'POST' })
    }
    const calls = Array.from({ length: 8 }, async () => {
      for (let index = 0; index < 25; index++) await call('alpha__echo')
    })
    const startedAt = Date.now()
    await Promise.all([...Array.from({ length: 8 }, flood), ...calls])
    const rows = await rowsAtTheEnd()
    const seconds = (Date.now() - startedAt) / 1_000
    expect(rows.filter(({ outcome, target }) => outcome === 'ok' && target === 'echo')).toHaveLength(201)
    const stored = rows.filter(({ kind }) => kind === 'auth_failure').length
    const told = gateway.log().matchAll(/"calls":0,"refusals":(\d+),"msg":"audit events found no room/g)
    expect(stored).toBeLessThanOrEqual(1_000 + 100 * seconds)
    expect(told.reduce((sum, [, count]) => sum + Number(count), stored)).toBe(2_400)
  })

  it('has lost nothing when the gateway ends right after many calls', async () => {
    await Promise.all(Array.from({ length: 300 }, () => call('alpha__echo')))
    const rows = await rowsAtTheEnd()
    expect(rows.filter(({ outcome, target }) => outcome === 'ok' && target === 'echo')).toHaveLength(300)
  })

  it('and the rest of what is stored hold no secret', async () => {
    await call('alpha__echo')
    await askModern({ ...at(), token: tokenFor('stranger') }, { method: 'tools/list' })
    await gateway.stop()
    const stored = (await readFile(gateway.databasePath)).toString('latin1')
    expect(stored).toContain('alice')
    for (const secret of [credential, tokenFor('alice'), tokenFor('stranger'), 'caller-s3cret']) {
      expect(stored).not.toContain(secret)
      expect(gateway.log()).not.toContain(secret)
    }
  })
})
