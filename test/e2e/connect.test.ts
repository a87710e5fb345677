/** People connect their accounts in a browser: the real gateway, a real authorization server, and the pages as forms. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openConnectLab, type ConnectLab } from '#test/support/connect-lab.ts'
import { Browser, nextOf } from '#test/support/browser.ts'
import { openHostileServer, type HostileServer } from '#test/support/hostile-authorization-server.ts'

const startMsMax = 60_000
let lab: ConnectLab
let upstream: HostileServer

beforeAll(async () => {
  upstream = await openHostileServer()
  lab = await openConnectLab({
    servers: (issuer) => ({
      notes: {
        description: 'Everybody’s notes',
        credential: { kind: 'oauth2_authorization_code', issuer, scopes: ['mcp:read', 'offline_access'] },
      },
      told: { url: `${upstream.origin}/mcp`, credential: { kind: 'oauth2_authorization_code' } },
      shared: { credential: { kind: 'oauth2_authorization_code', issuer, owner: 'gateway', scopes: ['mcp:read'] } },
      wiki: { credential: { kind: 'oauth2_authorization_code', issuer, owner: 'team', scopes: ['mcp:read'] } },
      files: {
        credential: { kind: 'basic', owner: 'user', helpUrl: 'https://example.com/keys' },
        headers: { 'X-Region': '${REGION}' },
        variables: [
          { name: 'REGION', description: 'Such as eu.' },
          { name: 'PROJECT', isRequired: false },
        ],
      },
    }),
  })
}, startMsMax)
afterAll(async () => {
  await lab?.[Symbol.asyncDispose]()
  await upstream?.[Symbol.asyncDispose]()
})

type Told = { state: string; reason: string; scopes: string[] | null; owner: { id: string; name: string } }
const connectionOf = async (name: string, path = 'notes') => {
  const { body } = await lab.gateway.api('GET', `/connections/${path}`, { bearer: await lab.bearerOf(name) })
  return body as unknown as Told
}

describe('connecting an account', () => {
  it('asks who it is, says what will happen, goes to the sign-in of the server, and is done', async () => {
    const browser = await lab.browserOf('ann')
    expect((await browser.open('/connect')).text).toContain('notes Not connected Everybody’s notes')
    const page = await browser.open('/connect/notes')
    expect(page.text).toContain('You go to the sign-in of this server, and come back here.')
    const leaving = await browser.submit(page, '/start')
    expect(leaving.text).toContain(`at ${new URL(lab.server.issuer).host}`)
    expect(await connectionOf('ann')).toMatchObject({ state: 'connecting', reason: 'began' })
    const back = await lab.consent(leaving, { login: 'ann at notes' })
    const done = await browser.open(`${back.pathname}${back.search}`)
    expect(done.text).toContain('notes is connected. You can close this page.')
    // What the authorization server said is in the address no more.
    const { owner, ...told } = await connectionOf('ann')
    expect(done.url).toBe(`${lab.gateway.url}/connect/notes/done?owner=user%3A${owner.id}`)
    expect(told).toMatchObject({ state: 'connected', reason: 'connected', scopes: ['mcp:read', 'offline_access'] })
    expect((await browser.open('/connect')).text).toContain('notes Connected')
  })

  it('begins with signing in, and then goes on where it led', async () => {
    const browser = new Browser(lab.gateway.url)
    const page = await browser.open('/connect/notes?owner=user%3Abob')
    expect(page.text).toContain('Sign in With your name and password at Toolgate')
    const wrong = await browser.submit(page, '/sign-in', { name: 'bob', password: 'not the one' })
    expect([wrong.status, wrong.text]).toEqual([
      401,
      expect.stringContaining('There is no such name with this password.'),
    ])
    const right = await browser.submit(wrong, '/sign-in', { name: 'bob', password: 'the long password of bob' })
    expect([right.status, right.url]).toEqual([200, `${lab.gateway.url}/connect/notes?owner=user%3Abob`])
    expect(right.text).toContain('For bob Not connected')
    const left = await browser.submit(right, '/sign-out')
    expect(left.text).toContain('Sign in')
    expect(browser.cookie('toolgate_sign_in')).toBeUndefined()
  })

  it('replaces what was there, and ends it at the authorization server and here', async () => {
    const browser = await lab.browserOf('cid')
    expect((await lab.connect(browser, 'notes', 'first')).text).toContain('is connected')
    expect((await lab.connect(browser, 'notes', 'second')).text).toContain('is connected')
    const before = lab.server.seen.length
    const list = await browser.submit(await browser.open('/connect'), '/notes/revoke')
    expect(list.text).toContain('notes Disconnected')
    expect(lab.server.seen.slice(before)).toEqual([
      expect.stringMatching(/^GET .*well-known/),
      'POST /token/revocation',
      'POST /token/revocation',
    ])
    expect(await connectionOf('cid')).toMatchObject({ state: 'revoked', scopes: null })
    expect((await lab.connect(browser, 'notes')).text).toContain('is connected')
  })

  it('registers at the authorization server once for everybody', async () => {
    const registrations = lab.server.seen.filter((one) => one === 'POST /reg')
    // Once for each server of the gateway, whoever connects it.
    expect(registrations).toHaveLength(1)
  })

  it('finds by what the server says where its accounts are, and what it wants', async () => {
    const metadata = `${upstream.origin}/somewhere/else`
    const challenge = `Bearer resource_metadata="${metadata}", scope="mcp:write"`
    upstream.say('/mcp', { status: 401, headers: { 'www-authenticate': challenge } })
    const resource = `${upstream.origin}/mcp`
    upstream.say('/somewhere/else', { json: { resource, authorization_servers: [lab.server.issuer] } })
    const browser = await lab.browserOf('cid')
    const leaving = await browser.submit(await browser.open('/connect/told'), '/start')
    const asked = new URL(nextOf(leaving)).searchParams
    expect([asked.get('scope'), asked.get('resource')]).toEqual(['mcp:write offline_access', resource])
    const back = await lab.consent(leaving, { login: 'cid' })
    expect((await browser.open(`${back.pathname}${back.search}`)).text).toContain('told is connected')
    expect(upstream.heard.every(({ headers }) => headers.authorization === undefined)).toBe(true)
  })

  it('says so where somebody declines, and lets them try again', async () => {
    const browser = await lab.browserOf('admin')
    await lab.gateway.api('PUT', '/users/admin', { body: { name: 'admin', role: 'admin', policies: ['all'] } })
    const leaving = await browser.submit(await browser.open('/connect/notes'), '/start')
    const back = await lab.consent(leaving, { login: 'nobody', declines: true })
    const page = await browser.open(`${back.pathname}${back.search}`)
    expect([page.status, page.text]).toEqual([
      400,
      expect.stringContaining('It was declined at the sign-in of the server.'),
    ])
    expect(page.html).not.toContain('The words of the server')
    expect((await browser.open('/connect/notes')).text).toContain(
      'Needs attention At the sign-in of the server it was declined.',
    )
    expect((await browser.open('/connect')).text).toContain('it was declined. Connect again')
  })

  it('connects for the gateway who may edit the server, and ends it again', async () => {
    const admin = await lab.browserOf('admin')
    expect((await lab.connect(admin, 'shared')).text).toContain('shared is connected')
    expect((await admin.open('/connect')).text).toContain('shared Connected For everybody who calls this server')
    const ended = await admin.submit(await admin.open('/connect/shared'), '/shared/revoke')
    expect(ended.text).toContain('shared Disconnected')
    expect((await admin.open('/connect/shared/done?owner=gateway')).text).not.toContain('is connected')
  })

  it('connects for a team who manages it, and shows its members that it is there', async () => {
    const ann = await lab.browserOf('ann')
    expect((await lab.connect(ann, 'wiki')).text).toContain('wiki is connected for the team blue.')
    const bob = await lab.browserOf('bob')
    const page = await bob.open('/connect/wiki')
    expect(page.text).toContain('For the team blue Connected')
    expect(page.forms.map(({ action }) => action)).toEqual(['/connect/sign-out'])
    expect(await connectionOf('bob', 'wiki')).toMatchObject({ state: 'connected', owner: { name: 'blue' } })
  })
})

describe('keys and values of one’s own', () => {
  it('are asked for, kept, and never shown again', async () => {
    const browser = await lab.browserOf('ann')
    const page = await browser.open('/connect/files')
    expect(page.text).toContain('Your key')
    expect(page.html).toContain('href="https://example.com/keys"')
    expect(page.html).not.toMatch(/type="text"[^>]*name="password"/)
    const half = await browser.submit(page, '/key', { username: 'ann', password: 'SECRET-OF-ANN' })
    // The key is there, and a value is missing.
    expect([half.url, half.text]).toEqual([
      expect.stringContaining('/connect/files?owner='),
      expect.stringContaining('Values that the server needs are missing.'),
    ])
    const done = await browser.submit(half, '/variables', { 'value.REGION': 'SECRET-REGION' })
    expect(done.text).toContain('files is connected')
    const again = await browser.open('/connect/files')
    expect(again.text).toContain('There is a value; an empty field leaves it as it is.')
    for (const { html } of [half, done, again, await browser.open('/connect')]) expect(html).not.toMatch(/SECRET/)
    expect(JSON.stringify(await connectionOf('ann', 'files'))).not.toMatch(/SECRET/)
    expect(lab.gateway.program.stderr()).not.toMatch(/SECRET/)
  })

  it('are refused by name, field by field, and nothing is changed', async () => {
    const browser = await lab.browserOf('bob')
    const page = await browser.open('/connect/files')
    const wrong = await browser.submit(page, '/key', { username: 'a:b', password: 'x\u0007y' })
    expect(wrong.status).toBe(422)
    expect(wrong.text).toContain('Nothing was changed.')
    expect(wrong.html.match(/aria-invalid="true"/g)).toHaveLength(2)
    expect(wrong.html).not.toContain('x\u0007y')
    const other = await browser.submit(await browser.open('/connect/files'), '/variables', { 'value.OTHER': 'x' })
    expect(other.status).toBe(422)
    expect(await connectionOf('bob', 'files')).toMatchObject({ state: 'missing' })
  })
})

describe('the addresses of the pages', () => {
  it('serve a document about the gateway as a client', async () => {
    const answer = await fetch(`${lab.gateway.url}/connect/client.json`)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(await answer.json()).toMatchObject({
      client_id: `${lab.gateway.url}/connect/client.json`,
      redirect_uris: [`${lab.gateway.url}/connect/callback/document`],
      token_endpoint_auth_method: 'none',
    })
  })

  it('answer what is not there as pages', async () => {
    const browser = await lab.browserOf('ann')
    for (const path of ['/connect/nothing', '/connect/notes/other', '/connect/a/b/c', '/connect/%ff']) {
      const page = await browser.open(path)
      expect([path, page.status, page.headers.get('content-type')]).toEqual([path, 404, 'text/html; charset=utf-8'])
    }
    const form = await browser.open('/connect/notes/start')
    expect([form.status, form.headers.get('allow')]).toEqual([405, 'POST'])
    const page = await browser.post('/connect/notes', {})
    expect([page.status, page.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    const look = await browser.send(new URL('/connect/callback?state=x', lab.gateway.url), { method: 'HEAD' })
    expect([look.status, look.headers.get('allow')]).toEqual([405, 'GET'])
    expect((await browser.open('/connect/')).status).toBe(200)
  })

  it('are no name of a server', async () => {
    const transport = { kind: 'streamable_http', url: 'http://127.0.0.1:9/mcp' }
    const answer = await lab.gateway.api('POST', '/servers', { body: { name: 'connect', transport } })
    expect(answer.status).toBe(422)
  })
})
