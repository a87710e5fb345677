/** When a token was used last, as its owner sees it. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sendInitialize, startManagedGateway, type ManagedGateway } from '../support/management.ts'
import { until } from '../support/until.ts'

let gateway: ManagedGateway

beforeAll(async () => {
  gateway = await startManagedGateway({ policies: { all: { default: 'execute' } } })
})
afterAll(() => gateway?.[Symbol.asyncDispose]())

const mint = (name: string): Promise<string> => gateway.mint({ name, policies: ['all'], rights: 'clone' })

const lastUseOf = async (name: string): Promise<unknown> =>
  (await gateway.api('GET', `/tokens/${name}`)).body['lastUsedAt']

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
        ? await sendInitialize(`${gateway.url}/mcp`, secret)
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
  expect((await sendInitialize(`${gateway.url}/mcp`, secret)).status).toBe(401)
  // What came later has been noted by now, so what came before would have been as well.
  const later = await mint('later')
  await sendInitialize(`${gateway.url}/mcp`, later)
  await until('it is noted', async () => (await lastUseOf('later')) !== null, { timeoutMs: 20_000, pollMs: 100 })
  expect(await lastUseOf('ended')).toBeNull()
})
