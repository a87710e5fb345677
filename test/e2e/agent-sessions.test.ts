/** A session of an agent, from the platform that starts it to the tool that it calls. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sendInitialize, startManagedGateway, type ManagedGateway } from '../support/management.ts'
import { rawUpstream, type RawUpstream } from '../support/raw-upstream.ts'
import { connect } from '../support/sdk-clients.ts'

let upstream: RawUpstream
let gateway: ManagedGateway

beforeAll(async () => {
  upstream = await rawUpstream({ tools: ['echo', 'secret'] })
  gateway = await startManagedGateway({ servers: { one: { url: upstream.url }, two: { url: upstream.url } } })
  const agent = { name: 'helper', harness: 'claude-agent-sdk', servers: [{ server: 'one', tools: ['echo'] }] }
  const { status } = await gateway.api('POST', '/agents', { body: agent })
  if (status !== 201) throw new Error(`making the agent answered ${status}`)
})
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]()
  await upstream?.[Symbol.asyncDispose]()
})

type Started = {
  session: { id: string }
  harness: { mcp_servers: { name: string; url: string; auth_token: string }[] }
}

async function start(): Promise<{ id: string; url: string; token: string }> {
  const { status, body } = await gateway.api('POST', '/managed_agents/agents/helper/session', { body: {} })
  expect(status).toBe(201)
  const { session, harness } = body as unknown as Started
  const [spec] = harness.mcp_servers
  if (!spec || harness.mcp_servers.length !== 1) throw new Error('one server is attached')
  return { id: session.id, url: spec.url, token: spec.auth_token }
}

describe('a session of an agent', () => {
  it.each(['v1', 'v2 legacy', 'v2 modern'] as const)('reaches what is attached, and no more (SDK %s)', async (sdk) => {
    const { url, token } = await start()
    await using client = await connect(sdk, 'http', { url, token })
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(['echo'])
    expect(await client.callTool({ name: 'echo', arguments: {} })).toMatchObject({ content: [{ type: 'text' }] })
    const before = upstream.count('tools/call')
    await expect(client.callTool({ name: 'secret', arguments: {} })).rejects.toThrow(/secret|tool/i)
    expect(upstream.count('tools/call')).toBe(before)
  })

  it('opens no other address, and nothing once it has ended', async () => {
    const { id, url, token } = await start()
    const status = async (address: string, bearer = token): Promise<number> => {
      const response = await sendInitialize(address, bearer)
      await response.text()
      return response.status
    }
    expect(await status(url)).toBe(200)
    expect(await status(url.replace('/one', '/two'))).toBe(403)
    expect(await status(`${gateway.url}/mcp`)).toBe(401)
    expect(await status(url, gateway.token)).toBe(401)
    const other = await start()
    expect(await status(other.url)).toBe(403)
    expect((await gateway.api('DELETE', `/sessions/${id}`)).body).toMatchObject({ status: 'dead' })
    expect(await status(url)).toBe(403)
    const { body } = await gateway.api('GET', `/sessions/${id}/events`)
    expect((body['items'] as { kind: string }[]).map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['created', 'ended']),
    )
  })

  it('loses a server as soon as it is detached', async () => {
    const { url, token } = await start()
    await using client = await connect('v2 modern', 'http', { url, token })
    expect((await client.listTools()).tools).toHaveLength(1)
    const { body } = await gateway.api('GET', '/agents/helper')
    const detached = { name: 'helper', harness: body['harness'], servers: [] }
    expect((await gateway.api('PUT', '/agents/helper', { body: detached })).status).toBe(200)
    await expect(client.callTool({ name: 'echo', arguments: {} })).rejects.toThrow(/./)
    await gateway.api('PUT', '/agents/helper', { body: { ...detached, servers: body['servers'] } })
  })

  it('has a new token after a restart, and the old one opens nothing', async () => {
    const before = await start()
    const { status, body } = await gateway.api('POST', `/sessions/${before.id}/restart`, { body: {} })
    expect(status).toBe(200)
    const spec = (body as unknown as Started).harness.mcp_servers[0]
    await using client = await connect('v2 modern', 'http', { url: spec?.url ?? '', token: spec?.auth_token ?? '' })
    expect((await client.listTools()).tools).toHaveLength(1)
    await expect(connect('v1', 'http', { url: before.url, token: before.token })).rejects.toThrow(/./)
  })
})
