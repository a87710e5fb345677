/** People connect their accounts in a browser: the real gateway, a real authorization server, and the pages as forms. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openConnectLab, type ConnectLab } from '#test/support/connect-lab.ts'

const startMsMax = 60_000
let lab: ConnectLab

beforeAll(async () => {
  lab = await openConnectLab({
    servers: (issuer) => ({
      notes: {
        description: 'Everybody’s notes',
        credential: { kind: 'oauth2_authorization_code', issuer, scopes: ['mcp:read', 'offline_access'] },
      },
    }),
  })
}, startMsMax)
afterAll(() => lab?.[Symbol.asyncDispose]())

const connectionOf = async (name: string, server = 'notes') => {
  const { body } = await lab.gateway.api('GET', `/connections/${server}`, { bearer: await lab.bearerOf(name) })
  return body
}

describe('connecting an account', () => {
  it('asks who it is, says what will happen, goes to the sign-in of the server, and is done', async () => {
    const browser = await lab.browserOf('ann')
    const list = await browser.open('/connect')
    expect(list.text).toContain('notes Not connected Everybody’s notes')
    const page = await browser.open('/connect/notes')
    expect(page.status).toBe(200)
    expect(page.text).toContain('You go to the sign-in of this server, and come back here.')
    const leaving = await browser.submit(page, '/start')
    expect(leaving.text).toContain(`at ${new URL(lab.server.issuer).host}`)
    expect(await connectionOf('ann')).toMatchObject({ state: 'connecting', reason: 'began' })
    const back = await lab.consent(leaving, { login: 'ann at notes' })
    const done = await browser.open(`${back.pathname}${back.search}`)
    expect(done.status).toBe(200)
    expect(done.url).toBe(
      `${lab.gateway.url}/connect/notes/done?owner=${encodeURIComponent(`user:${String((await connectionOf('ann'))['owner'] && ((await connectionOf('ann')) as { owner: { id: string } }).owner.id)}`)}`,
    )
    expect(done.text).toContain('You can close this page. Go back to your program and let it call again.')
    expect(await connectionOf('ann')).toMatchObject({
      state: 'connected',
      reason: 'connected',
      kind: 'account',
      scopes: ['mcp:read', 'offline_access'],
      owner: { kind: 'user', name: 'ann' },
    })
  })
})
