/** A gateway that people reach over https, behind something that ends TLS: what it says of itself as a client, and its cookies. */
import { describe, expect, it } from 'vitest'
import { toClientDocument } from '#http/connect/client-document.ts'
import { nextOf } from '#test/support/browser.ts'
import { openConnectLab } from '#test/support/connect-lab.ts'
import { findFreePort } from '#test/support/free-port.ts'

const publicUrl = 'https://tools.example.com'
const clientId = `${publicUrl}/connect/client.json`

describe('a gateway at an https address', { timeout: 60_000 }, () => {
  it('is to authorization servers what its document says, and registers nowhere', async () => {
    const document = toClientDocument(publicUrl)
    await using lab = await openConnectLab({
      publicly: { url: publicUrl, port: await findFreePort() },
      authorization: { documents: new Map([[clientId, document]]) },
      servers: (issuer) => ({
        notes: { credential: { kind: 'oauth2_authorization_code', issuer, scopes: ['mcp:read'] } },
      }),
    })
    expect(await (await fetch(`${lab.gateway.url}/connect/client.json`)).json()).toEqual(document)
    const browser = await lab.browserOf('ann')
    expect(browser.cookie('toolgate_sign_in')).toBeUndefined()
    expect(browser.cookie('__Host-toolgate_sign_in')).toMatch(/^tgu_/)
    const leaving = await browser.submit(await browser.open('/connect/notes'), '/start')
    const asked = new URL(nextOf(leaving)).searchParams
    expect([asked.get('client_id'), asked.get('redirect_uri')]).toEqual([
      clientId,
      `${publicUrl}/connect/callback/document`,
    ])
    const back = await lab.consent(leaving, { login: 'ann at notes' })
    expect((await browser.open(`${back.pathname}${back.search}`)).text).toContain('notes is connected')
    expect(lab.server.seen).not.toContain('POST /reg')
    const { body } = await lab.gateway.api('GET', '/connections/notes', { bearer: await lab.bearerOf('ann') })
    expect(body['connectUrl']).toMatch(/^https:\/\/tools\.example\.com\/connect\/notes\?/)
  })
})
