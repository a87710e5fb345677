/** What comes back from an authorization server, or from somebody who plays one, and is refused by name. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nextOf, type Browser, type BrowserPage } from '#test/support/browser.ts'
import { openConnectLab, type ConnectLab } from '#test/support/connect-lab.ts'
import { until } from '#test/support/until.ts'
import { openHostileServer, type HostileServer } from '#test/support/hostile-authorization-server.ts'

const startMsMax = 60_000
let lab: ConnectLab
let hostile: HostileServer
let browser: Browser

beforeAll(async () => {
  hostile = await openHostileServer()
  hostile.describe({ authorization_response_iss_parameter_supported: true })
  lab = await openConnectLab({
    servers: (issuer) => ({
      notes: { credential: { kind: 'oauth2_authorization_code', issuer, scopes: ['mcp:read'] } },
      files: { credential: { kind: 'oauth2_authorization_code', issuer, scopes: ['mcp:read'] } },
      // Its authorization server answers whatever a test says.
      odd: { credential: { kind: 'oauth2_authorization_code', issuer: hostile.origin, clientId: 'ours' } },
    }),
  })
  browser = await lab.browserOf('ann')
}, startMsMax)
afterAll(async () => {
  await lab?.[Symbol.asyncDispose]()
  await hostile?.[Symbol.asyncDispose]()
})

const login = 'somebody'
const stateOf = async (name: string, server = 'notes') => {
  const { body } = await lab.gateway.api('GET', `/connections/${server}`, { bearer: await lab.bearerOf(name) })
  return body['state']
}
const begin = async (by: Browser, server = 'notes') => by.submit(await by.open(`/connect/${server}`), '/start')
const pathOf = ({ pathname, search }: URL) => `${pathname}${search}`

/** The code of the catalogue and the word that stand on every page of a refusal. */
const refusalOf = ({ status, text }: BrowserPage) =>
  `${status} ${/\b([a-z_]+(?: · [a-z_]+)?) · req_/.exec(text)?.[1] ?? text}`

describe('an answer', () => {
  it('counts once', async () => {
    const back = await lab.consent(await begin(browser), { login })
    expect((await browser.open(pathOf(back))).status).toBe(200)
    const grants = lab.server.grants.length
    const again = await browser.open(pathOf(back))
    expect(refusalOf(again)).toBe('400 oauth_refused · replayed_state')
    expect(lab.server.grants).toHaveLength(grants)
    expect(await stateOf('ann')).toBe('connected')
  })

  it('with a code that was used already is refused by the authorization server', async () => {
    const first = await lab.consent(await begin(browser), { login })
    const code = first.searchParams.get('code') ?? ''
    await browser.open(pathOf(first))
    const second = await lab.consent(await begin(browser), { login })
    second.searchParams.set('code', code)
    expect(refusalOf(await browser.open(pathOf(second)))).toBe('400 oauth_refused · invalid_grant')
  })

  it('of a flow that somebody else has begun is refused, with that person’s name on nothing', async () => {
    const bob = await lab.browserOf('bob')
    const back = await lab.consent(await begin(browser, 'files'), { login: 'ann at files' })
    const page = await bob.open(pathOf(back))
    expect(refusalOf(page)).toBe('400 oauth_refused · other_user')
    expect(page.text).not.toContain('ann')
    expect(await stateOf('bob', 'files')).toBe('missing')
    expect(await stateOf('ann', 'files')).toBe('connecting')
    // It is spent: nobody finishes it any more.
    expect(refusalOf(await browser.open(pathOf(back)))).toBe('400 oauth_refused · replayed_state')
  })

  it('in another browser of the same person is refused', async () => {
    const [one, other] = [await lab.browserOf('cid'), await lab.browserOf('cid')]
    const back = await lab.consent(await begin(one), { login })
    expect(refusalOf(await other.open(pathOf(back)))).toBe('400 oauth_refused · other_browser')
    expect(await stateOf('cid')).toBe('connecting')
  })

  it('to somebody who has signed out is refused, and can be brought again', async () => {
    const bob = await lab.browserOf('bob')
    const leaving = await begin(bob)
    const back = await lab.consent(leaving, { login })
    const signedIn = bob.cookie('toolgate_sign_in') ?? ''
    await bob.submit(leaving, '/sign-out')
    expect(refusalOf(await bob.open(pathOf(back)))).toBe('400 oauth_refused · signed_out')
    bob.setCookie('toolgate_sign_in', signedIn)
    expect((await bob.open(pathOf(back))).text).toContain('notes is connected')
  })

  it.each([
    ['without a state', ''],
    ['with a state of nobody’s', 'state=made-up&code=x'],
    ['with a state that is there twice', 'state=a&state=b&code=x'],
    ['with nothing but an error', 'error=access_denied'],
  ])('%s is unknown', async (_what, query) => {
    const page = await browser.open(`/connect/callback?${query}`)
    expect(refusalOf(page)).toBe('400 oauth_refused · unknown_state')
  })

  it('from another authorization server than the one that was asked is refused (mix-up)', async () => {
    const leaving = await begin(browser, 'odd')
    const state = new URL(nextOf(leaving)).searchParams.get('state') ?? ''
    const query = new URLSearchParams({ state, code: 'STOLEN-CODE', iss: lab.server.issuer })
    const page = await browser.open(`/connect/callback?${query.toString()}`)
    expect(refusalOf(page)).toBe('400 oauth_refused · wrong_issuer')
    // Its code went to nobody.
    expect(hostile.heard.some(({ body }) => body.includes('STOLEN-CODE'))).toBe(false)
    expect(lab.server.grants.some((grant) => JSON.stringify(grant).includes('STOLEN-CODE'))).toBe(false)
  })

  it.each([
    ['no issuer at all', {}, 'missing_iss'],
    ['another issuer', { iss: 'https://login.example.com' }, 'wrong_issuer'],
    ['an issuer that differs by a slash', { iss: 'SLASH' }, 'wrong_issuer'],
  ])('with %s is refused, its error unread', async (_what, extra: { iss?: string }, reason) => {
    const state = new URL(nextOf(await begin(browser, 'odd'))).searchParams.get('state') ?? ''
    const iss = extra.iss === 'SLASH' ? `${hostile.origin}/` : extra.iss
    const query = new URLSearchParams({ state, error: 'access_denied', ...(iss !== undefined && { iss }) })
    const page = await browser.open(`/connect/callback?${query.toString()}`)
    expect(refusalOf(page)).toBe(`400 oauth_refused · ${reason}`)
    expect(await stateOf('ann', 'odd')).toBe('connecting')
  })
})

describe('the record', () => {
  it('has each attempt and why it was refused, and nothing that was brought', async () => {
    let events: Record<string, unknown>[] = []
    const denied = () => events.filter(({ effect }) => effect === 'deny').map(({ reason }) => reason)
    await until('the last of them is stored', async () => {
      const { body } = await lab.gateway.api('GET', '/audit?method=connect%20credential&limit=1000')
      events = body['events'] as Record<string, unknown>[]
      return denied().filter((reason) => reason === 'wrong_issuer').length === 3
    })
    const reasons = new Set(denied())
    expect(reasons).toEqual(
      new Set([
        'replayed_state',
        'invalid_grant',
        'other_user',
        'other_browser',
        'signed_out',
        'unknown_state',
        'wrong_issuer',
        'missing_iss',
      ]),
    )
    const everything = JSON.stringify(events) + lab.gateway.program.stderr()
    expect(everything).not.toMatch(/STOLEN-CODE|made-up|code=|state=/)
  })
})
