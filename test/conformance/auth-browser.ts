/** A person who follows a connect link: signs in at the gateway, goes where its page leads, and comes back. */
import { Browser, nextOf, type BrowserPage } from '#test/support/browser.ts'
import type { Person, Site } from './auth-person.ts'

const callback = '/connect/callback'

/**
 * @param link as a client was shown it
 * @returns null: it is connected; else the code and the reason that the page gives for why not, such as `oauth_refused wrong_issuer`
 */
export async function connectAccount(site: Site, person: Person, link: string): Promise<string | null> {
  const browser = new Browser(site.url)
  const { name, password } = person
  const page = await browser.submit(await browser.open(pathOf(site, link)), '/sign-in', { name, password })
  const leaving = await browser.submit(page, '/start')
  if (leaving.status !== 200) return refusalOn(leaving)
  const done = await browser.open(await authorize(site, nextOf(leaving)))
  if (done.status !== 200) return refusalOn(done)
  if (!done.text.includes('is connected.')) throw new Error(`the person is shown\n${done.text}`)
  return null
}

function pathOf(site: Site, address: string): string {
  const { origin, pathname, search } = new URL(address)
  if (origin !== site.url) throw new Error(`the link leads away from the gateway: ${address}`)
  return `${pathname}${search}`
}

/** The suite's authorization server asks nobody anything: it sends the browser back at once. */
async function authorize(site: Site, address: string): Promise<string> {
  const answer = await fetch(address, { redirect: 'manual' })
  await answer.body?.cancel()
  const path = pathOf(site, answer.headers.get('location') ?? `about:blank#${answer.status}`)
  if (!path.startsWith(callback)) throw new Error(`the browser is sent back to ${path}`)
  return path
}

function refusalOn({ status, text }: BrowserPage): string {
  const [, code, reason] = /(\w+) · (\w+) · req_/.exec(text) ?? []
  return code === undefined || reason === undefined ? `a page with ${status}: ${text}` : `${code} ${reason}`
}
