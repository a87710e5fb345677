/** Somebody connects another account: what a server keeps of the one before is out of reach from then on. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openConnectLab, type ConnectLab } from '#test/support/connect-lab.ts'
import { sendModern } from '#test/support/management.ts'
import { modernMessage } from '#test/support/raw-client.ts'
import { rawUpstream, type RawUpstream, type UpstreamExchange } from '#test/support/raw-upstream.ts'

let lab: ConnectLab
let upstream: RawUpstream
/** By the id of a session: whose it is. */
const sessions = new Map<string, string>()

const accountIn = async ({ req }: UpstreamExchange): Promise<string> =>
  (await lab.server.findToken((req.headers.authorization ?? '').replace(/^Bearer /, '')))?.account ?? 'nobody'

beforeAll(async () => {
  upstream = await rawUpstream({
    era: 'legacy',
    on: {
      initialize: async (exchange) => {
        const id = `session-${sessions.size}`
        sessions.set(id, await accountIn(exchange))
        exchange.result(
          { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'raw', version: '1' } },
          { 'mcp-session-id': id },
        )
      },
      'tools/list': async (exchange) =>
        exchange.result({
          tools: [{ name: `of-${(await accountIn(exchange)).replaceAll(' ', '-')}`, inputSchema: { type: 'object' } }],
        }),
    },
  })
  lab = await openConnectLab({
    servers: (issuer) => ({
      notes: {
        url: upstream.url,
        credential: { kind: 'oauth2_authorization_code', issuer, scopes: ['mcp:read', 'offline_access'] },
      },
    }),
  })
}, 60_000)
afterAll(async () => {
  await lab?.[Symbol.asyncDispose]()
  await upstream?.[Symbol.asyncDispose]()
})

it('has sessions and lists of its own', { timeout: 30_000 }, async () => {
  const bearer = await lab.bearerOf('ann')
  const { body } = await lab.gateway.api('POST', '/tokens', { bearer, body: { name: 'calls' } })
  const send = async (method: string, params: object = {}): Promise<string> => {
    const message = modernMessage(method, params)
    return (await sendModern(`${lab.gateway.url}/mcp/notes`, { token: String(body['secret']), message })).text()
  }
  const browser = await lab.browserOf('ann')
  for (const account of ['first', 'second']) {
    await lab.connect(browser, 'notes', account)
    await expect.poll(() => send('tools/list'), { timeout: 10_000 }).toContain(`of-${account}`)
    await send('tools/call', { name: `of-${account}`, arguments: {} })
    const call = upstream.calls(`of-${account}`).at(-1)
    expect(sessions.get(String(call?.headers['mcp-session-id']))).toBe(account)
  }
})
