/** Attacks on the pages on which people connect their accounts: other pages, other people, and servers that mean harm. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { linkSealerOf } from '#compose/derived-keys.ts'
import { connectUrl } from '#core/credential/connect-link.ts'
import { Browser, nextOf, type BrowserPage } from '#test/support/browser.ts'
import { openConnectLab, type ConnectLab } from '#test/support/connect-lab.ts'
import { openHostileServer, type HostileServer } from '#test/support/hostile-authorization-server.ts'
import { exchange } from '#test/support/raw-http.ts'

const startMsMax = 60_000
const script = '<script>alert(1)</script>'
let lab: ConnectLab
let hostile: HostileServer
let ann: Browser

beforeAll(async () => {
  hostile = await openHostileServer()
  lab = await openConnectLab({
    servers: (issuer) => ({
      notes: { credential: { kind: 'oauth2_authorization_code', issuer, scopes: ['mcp:read'] } },
      files: {
        description: `Files ${script} "><img src=x onerror=alert(1)>`,
        credential: { kind: 'bearer', owner: 'user' },
        headers: { 'X-Region': '${REGION}' },
        variables: [{ name: 'REGION', description: script }],
      },
      odd: { credential: { kind: 'oauth2_authorization_code', issuer: hostile.origin, clientId: 'ours' } },
    }),
  })
  ann = await lab.browserOf('ann')
}, startMsMax)
afterAll(async () => {
  await lab?.[Symbol.asyncDispose]()
  await hostile?.[Symbol.asyncDispose]()
})

const at = (path: string) => `${lab.gateway.url}${path}`
const stateOf = async (name: string, server: string) => {
  const { body } = await lab.gateway.api('GET', `/connections/${server}`, { bearer: await lab.bearerOf(name) })
  return body['state']
}
const codeOf = ({ text }: BrowserPage) => /\b([a-z_]+(?: · [a-z_]+)?) · req_/.exec(text)?.[1]

describe('another page in the same browser (CSRF)', () => {
  const fields = { token: 'THE-KEY-OF-SOMEBODY-ELSE' }

  it.each([
    ['from another site', { origin: 'https://evil.example' }, 403],
    ['from another port of this machine', { origin: 'http://127.0.0.1:1' }, 403],
    ['from a page that says nothing of itself', { origin: 'null' }, 403],
    ['from another site that says no origin', { origin: '', 'sec-fetch-site': 'cross-site' }, 403],
  ])('posts nothing %s', async (_where, headers: Record<string, string>, status) => {
    const page = await ann.open('/connect/files')
    const form = page.forms.find(({ action }) => action.endsWith('/key'))?.fields ?? {}
    const answer = await ann.post('/connect/files/key', { ...form, ...fields }, headers)
    expect(answer.status).toBe(status)
    expect(await stateOf('ann', 'files')).toBe('missing')
  })

  it('posts nothing without the text of the form, or with that of another person or another time', async () => {
    const bob = await lab.browserOf('bob')
    const ofBob = (await bob.open('/connect/files')).forms[0]?.fields['form'] ?? ''
    const stranger = new Browser(lab.gateway.url)
    const ofNobody = (await stranger.open('/connect')).forms[0]?.fields['form'] ?? ''
    for (const form of [undefined, '', 'x', ofBob, ofNobody]) {
      const answer = await ann.post('/connect/files/key', { ...fields, ...(form === undefined ? {} : { form }) })
      expect([answer.status, codeOf(answer)]).toEqual([403, 'forbidden · form_expired'])
    }
    expect(await stateOf('ann', 'files')).toBe('missing')
  })

  it('signs nobody in as somebody else', async () => {
    const victim = new Browser(lab.gateway.url)
    const attacker = new Browser(lab.gateway.url)
    const form = (await attacker.open('/connect')).forms[0]?.fields['form'] ?? ''
    await victim.open('/connect')
    const answer = await victim.post('/connect/sign-in', { form, name: 'bob', password: 'the long password of bob' })
    expect([answer.status, codeOf(answer)]).toEqual([403, 'forbidden · form_expired'])
    expect(victim.cookie('toolgate_sign_in')).toBeUndefined()
  })

  it('posts no JSON, no two fields of one name, and nothing large', async () => {
    const json = await ann.post('/connect/files/key', {}, { 'content-type': 'application/json' })
    expect(json.status).toBe(415)
    const cookie = `toolgate_sign_in=${ann.cookie('toolgate_sign_in')}`
    const form = (await ann.open('/connect/files')).forms[0]?.fields['form'] ?? ''
    const send = (body: string) =>
      exchange(at('/connect/files/key'), {
        method: 'POST',
        headers: { cookie, origin: lab.gateway.url, 'content-type': 'application/x-www-form-urlencoded' },
        body,
      })
    expect((await send(`form=${form}&form=${form}&token=x`)).status).toBe(400)
    expect((await send(`form=${form}&token=${'x'.repeat(2_000_000)}`)).status).toBe(413)
    expect((await send(`form=${form}&to=127.0.0.1%3A9&token=${'x'.repeat(9_000)}`)).status).toBe(422)
    expect(await stateOf('ann', 'files')).toBe('missing')
  })
})

describe('what a page lets happen', () => {
  const pages = ['/connect', '/connect/files', '/connect/notes', '/connect/callback?state=x', '/connect/nothing']

  it.each(pages)('%s runs nothing, loads nothing, is framed by nobody and kept nowhere', async (path) => {
    const page = await ann.open(path)
    const header = (name: string) => page.headers.get(name)
    expect(header('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
    )
    expect(header('x-frame-options')).toBe('DENY')
    expect(header('x-content-type-options')).toBe('nosniff')
    expect(header('referrer-policy')).toBe('same-origin')
    expect(header('cache-control')).toBe('no-store')
    expect(page.html).not.toMatch(/<script|<img|<[^>]*\son\w+=|javascript:/i)
  })

  it('has the style that its policy names, and no other', async () => {
    const page = await ann.open('/connect')
    const { createHash } = await import('node:crypto')
    const [, style = ''] = /<style>([^]*?)<\/style>/.exec(page.html) ?? []
    const hash = createHash('sha256').update(style).digest('base64')
    expect(page.headers.get('content-security-policy')).toContain(`'sha256-${hash}'`)
  })

  it('shows what a server says of itself as text', async () => {
    for (const path of ['/connect', '/connect/files'])
      expect((await ann.open(path)).html).toContain(
        'Files &lt;script&gt;alert(1)&lt;/script&gt; &quot;&gt;&lt;img src=x',
      )
  })

  it('repeats nothing that somebody wrote into an address or a form', async () => {
    const evil = encodeURIComponent(`"><i>${script}`)
    for (const path of [
      `/connect/${evil}`,
      `/connect/files?for=${evil}`,
      `/connect/files?owner=${evil}`,
      `/connect/callback?state=${evil}&error_description=${evil}&code=${evil}`,
    ]) {
      const page = await ann.open(path)
      expect(page.html).not.toMatch(/<i>|alert\(1\)/)
    }
    const form = (await ann.open('/connect/files')).forms.find(({ action }) => action.endsWith('/key'))?.fields ?? {}
    const refused = await ann.post('/connect/files/key', { ...form, token: `${script}\r\n` })
    expect(refused.status).toBe(422)
    expect(refused.html.replace('Files &lt;script&gt;alert(1)', '')).not.toContain(`value="${script}`)
  })

  it('shows an authorization server’s words nowhere, and its scopes as text', async () => {
    hostile.describe()
    hostile.say('/token', { json: { access_token: 'A', token_type: 'Bearer', scope: '<b>bold</b>', expires_in: 60 } })
    const leaving = await ann.submit(await ann.open('/connect/odd'), '/start')
    const state = new URL(nextOf(leaving)).searchParams.get('state') ?? ''
    const query = new URLSearchParams({ state, code: 'c', iss: hostile.origin })
    expect((await ann.open(`/connect/callback?${query.toString()}`)).text).toContain('odd is connected')
    expect((await ann.open('/connect/odd')).html).not.toContain('<b>bold')
    hostile.say('/token', { status: 400, json: { error: script, error_description: script } })
    const again = await ann.submit(await ann.open('/connect/odd'), '/start')
    const other = new URLSearchParams({
      state: new URL(nextOf(again)).searchParams.get('state') ?? '',
      code: 'c',
      iss: hostile.origin,
    })
    const refused = await ann.open(`/connect/callback?${other.toString()}`)
    expect([refused.status, refused.html.includes('alert(1)')]).toEqual([400, false])
  })

  it('sends nobody to an address that is no web page', async () => {
    for (const authorization_endpoint of [
      'javascript:alert(1)//',
      'data:text/html,x',
      'http://login.example.com/authorize',
    ]) {
      hostile.describe({ authorization_endpoint })
      const page = await ann.submit(await ann.open('/connect/odd'), '/start')
      expect([page.status, page.html.includes('alert(1)')]).toEqual([502, false])
    }
  })
})

describe('an address that changes under an open form', () => {
  it('gets nothing of what was meant for the one before', async () => {
    const body = (url: string) => ({
      name: 'moving',
      transport: { kind: 'streamable_http', url, credential: { kind: 'bearer', owner: 'user' } },
    })
    await lab.gateway.api('POST', '/servers', { body: body('http://127.0.0.1:9/mcp') })
    const page = await ann.open('/connect/moving')
    expect(page.text).toContain('sent to 127.0.0.1:9 alone')
    await lab.gateway.api('PUT', '/servers/moving', { body: body('http://127.0.0.1:10/mcp') })
    const refused = await ann.submit(page, '/key', { token: 'FOR-THE-OTHER-ONE' })
    expect([refused.status, codeOf(refused)]).toEqual([403, 'forbidden · form_expired'])
    expect(await stateOf('ann', 'moving')).toBe('missing')
    const agreed = await ann.submit(await ann.open('/connect/moving'), '/key', { token: 'FOR-THIS-ONE' })
    expect(agreed.text).toContain('moving is connected')
  })
})

describe('where signing in leads', () => {
  it('is always a page of the gateway, whatever the form says (open redirect)', async () => {
    for (const server of [
      '//evil.example',
      'https://evil.example',
      '/\\evil.example',
      '..%2f..%2fevil',
      'a\r\nlocation: https://evil.example',
      '@evil.example',
    ]) {
      const browser = new Browser(lab.gateway.url)
      const form = (await browser.open('/connect')).forms[0]?.fields['form'] ?? ''
      const answer = await browser.send(new URL(at('/connect/sign-in')), {
        method: 'POST',
        headers: { origin: lab.gateway.url, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ form, server, name: 'cid', password: 'the long password of cid' }).toString(),
      })
      expect(answer.status).toBe(303)
      expect(answer.headers.get('location')).toBe(`/connect/${encodeURIComponent(server)}`)
      expect(new URL(answer.headers.get('location') ?? '', lab.gateway.url).origin).toBe(lab.gateway.url)
    }
  })

  it('is a cookie that no script reads and no other site sends', async () => {
    const browser = new Browser(lab.gateway.url)
    const form = (await browser.open('/connect')).forms[0]?.fields['form'] ?? ''
    const answer = await browser.send(new URL(at('/connect/sign-in')), {
      method: 'POST',
      headers: { origin: lab.gateway.url, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ form, name: 'dot', password: 'the long password of dot' }).toString(),
    })
    const [cookie = ''] = answer.headers.getSetCookie()
    expect(cookie).toMatch(/^toolgate_sign_in=tgu_[^;]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=43200$/)
    // Nothing but these pages takes it.
    const api = await fetch(at('/api/v1/whoami'), { headers: { cookie: cookie.split(';')[0] ?? '' } })
    expect(api.status).toBe(401)
  })

  it('is over when the password changes, and with a cookie that was touched', async () => {
    const dot = await lab.browserOf('dot')
    expect((await dot.open('/connect')).text).toContain('Your connections')
    const twice = new Browser(lab.gateway.url)
    twice.setCookie('toolgate_sign_in', `${dot.cookie('toolgate_sign_in')}x`)
    expect((await twice.open('/connect')).text).toContain('With your name and password')
    await lab.gateway.api('PUT', '/users/dot/password', { body: { password: 'another long password' } })
    expect((await dot.open('/connect')).text).toContain('With your name and password')
  })

  it('is held up where somebody guesses', async () => {
    const browser = new Browser(lab.gateway.url)
    let page = await browser.open('/connect')
    for (let guess = 0; guess < 11; guess++)
      page =
        page.status === 429
          ? page
          : await browser.submit(page, '/sign-in', { name: 'robot', password: `guess ${guess}` })
    expect([page.status, Number(page.headers.get('retry-after')) > 0]).toEqual([429, true])
  })
})

describe('the link of another person', () => {
  const linkFor = async (name: string, server = 'notes') => {
    const key = await readFile(join(lab.gateway.folder, '.toolgate', 'secret.key'), 'utf8')
    const sealer = linkSealerOf({ current: Buffer.from(key.trim(), 'base64'), previous: null })
    const ids = async (path: string) => String((await lab.gateway.api('GET', path)).body['id'])
    const owner = { kind: 'user', ref: await ids(`/users/${name}`) } as const
    const deps = { sealer, clock: { now: Date.now }, baseUrl: () => lab.gateway.url }
    const url = new URL(connectUrl(deps, { id: await ids(`/servers/${server}`), name: server }, { owner }) ?? '')
    return `${url.pathname}${url.search}`
  }

  it('changes nothing, and says so', async () => {
    const path = await linkFor('bob')
    const page = await ann.open(path)
    expect([page.status, codeOf(page)]).toEqual([403, 'forbidden · other_user'])
    expect(page.text).not.toContain('bob')
    const form = (await ann.open('/connect/notes')).forms[0]?.fields['form'] ?? ''
    const link = new URL(path, lab.gateway.url).searchParams.get('for') ?? ''
    for (const action of ['start', 'revoke', 'key', 'variables']) {
      const answer = await ann.post(`/connect/notes/${action}`, { form, for: link })
      expect([action, answer.status]).toEqual([action, 403])
    }
    expect(await stateOf('bob', 'notes')).toBe('missing')
    expect(await stateOf('ann', 'notes')).toBe('missing')
  })

  it('lets its own person in after signing in, to a server that only a token may call', async () => {
    const path = await linkFor('robot')
    // A service is acted for by who may edit it, and by nobody else.
    expect((await ann.open(path)).status).toBe(403)
    const admin = await lab.browserOf('admin')
    expect((await admin.open(path)).text).toContain('For robot Not connected')
  })

  it('is no way to another server', async () => {
    const path = (await linkFor('ann')).replace('/connect/notes', '/connect/files')
    const page = await ann.open(path)
    expect([page.status, codeOf(page)]).toEqual([403, 'forbidden · link_ended'])
  })
})
