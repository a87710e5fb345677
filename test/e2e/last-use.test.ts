/** When a token was used last, as its owner sees it. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startManagedGateway, type ManagedGateway } from '../support/management.ts'
import { until } from '../support/until.ts'

let gateway: ManagedGateway

beforeAll(async () => {
  gateway = await startManagedGateway({ policies: { all: { default: 'execute' } } })
})
afterAll(() => gateway?.[Symbol.asyncDispose]())

async function mint(name: string): Promise<string> {
  const { body } = await gateway.api('POST', '/tokens', { body: { name, policies: ['all'], rights: 'clone' } })
  return String(body['secret'])
}

const lastUseOf = async (name: string): Promise<unknown> =>
  (await gateway.api('GET', `/tokens/${name}`)).body['lastUsedAt']

const initialize = (bearer: string): Promise<Response> =>
  fetch(`${gateway.url}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${bearer}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
    }),
  })

it.for(['at an MCP address', 'at the management API'])(
  'a token tells when it was used %s, and one that was not used tells nothing',
  { timeout: 30_000 },
  async (place) => {
    const name = place.includes('MCP') ? 'caller' : 'manager'
    const secret = await mint(name)
    await mint(`${name}-unused`)
    expect(await lastUseOf(name)).toBeNull()
    const before = Date.now()
    const used =
      name === 'caller'
        ? await initialize(secret)
        : await fetch(`${gateway.url}/api/v1/whoami`, { headers: { authorization: `Bearer ${secret}` } })
    expect(used.status).toBe(200)
    await until('it is noted', async () => (await lastUseOf(name)) !== null, { timeoutMs: 20_000, pollMs: 100 })
    expect(await lastUseOf(name)).toBeGreaterThanOrEqual(before)
    expect(await lastUseOf(`${name}-unused`)).toBeNull()
  },
)

it('a bearer that was refused is no use', async () => {
  const secret = await mint('ended')
  await gateway.api('POST', '/tokens/ended/revoke')
  expect((await initialize(secret)).status).toBe(401)
  // What came later has been noted by now, so what came before would have been as well.
  const later = await mint('later')
  await initialize(later)
  await until('it is noted', async () => (await lastUseOf('later')) !== null, { timeoutMs: 20_000, pollMs: 100 })
  expect(await lastUseOf('ended')).toBeNull()
})
