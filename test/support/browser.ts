/** A browser without a screen: it keeps cookies, follows redirects within one origin, and sends forms as they stand on a page. */

export type BrowserPage = {
  url: string
  status: number
  headers: Headers
  html: string
  forms: PageForm[]
  /** What a person reads of it. */
  text: string
}

export type PageForm = { action: string; fields: Record<string, string> }

type Sent = { method?: string; headers?: Record<string, string>; body?: string }

export class Browser {
  readonly #origin: string
  /** What it says that its pages are from. */
  readonly #said: string
  readonly #cookies = new Map<string, string>()

  /** @param said where that is another address, as behind a proxy */
  constructor(origin: string, said = origin) {
    this.#origin = origin
    this.#said = said
  }

  /** Value of a cookie. */
  cookie(name: string): string | undefined {
    return this.#cookies.get(name)
  }

  setCookie(name: string, value: string): void {
    this.#cookies.set(name, value)
  }

  open(path: string): Promise<BrowserPage> {
    return this.#visit(new URL(path, this.#origin), {})
  }

  /** Sends the form of this page whose action ends so, with these fields filled in. */
  async submit(page: BrowserPage, action: string, fields: Record<string, string> = {}): Promise<BrowserPage> {
    const form = page.forms.find((one) => one.action.endsWith(action))
    if (!form) throw new Error(`there is no form for ${action} on\n${page.html}`)
    return this.post(form.action, { ...form.fields, ...fields })
  }

  /** As a page of this gateway would, unless `headers` say otherwise. */
  post(path: string, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<BrowserPage> {
    return this.#visit(new URL(path, this.#origin), {
      method: 'POST',
      headers: { origin: this.#said, 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams(fields).toString(),
    })
  }

  /** One exchange; redirects are not followed. */
  async send(url: URL, init: Sent): Promise<Response> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await fetch(url, { ...init, headers: { ...init.headers, cookie }, redirect: 'manual' })
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '') this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
    return answer
  }

  async #visit(url: URL, init: Sent): Promise<BrowserPage> {
    const answer = await this.send(url, init)
    const location = answer.headers.get('location')
    if (location !== null && new URL(location, url).origin === this.#origin) {
      await answer.body?.cancel()
      return this.#visit(new URL(location, url), {})
    }
    const html = await answer.text()
    return {
      url: url.href,
      status: answer.status,
      headers: answer.headers,
      html,
      forms: formsOf(html),
      text: textOf(html),
    }
  }
}

function formsOf(html: string): PageForm[] {
  return [...html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)].map(([, attributes = '', body = '']) => ({
    action: attributeOf(attributes, 'action'),
    fields: Object.fromEntries(
      [...body.matchAll(/<input\b([^>]*?)\/?>/gs)].map(([, input = '']) => [
        attributeOf(input, 'name'),
        attributeOf(input, 'value'),
      ]),
    ),
  }))
}

function attributeOf(attributes: string, name: string): string {
  return decode(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? '')
}

/** Where the page sends the browser by itself, or by its main link. */
export function nextOf({ html }: Pick<BrowserPage, 'html'>): string {
  const next = /<meta http-equiv="refresh" content="0;url=([^"]*)"/.exec(html)?.[1]
  if (next === undefined) throw new Error(`the page leads nowhere\n${html}`)
  return decode(next)
}

function textOf(html: string): string {
  const body = html.slice(html.indexOf('<body>')).replaceAll(/<[^>]*>/g, ' ')
  return decode(body).replaceAll(/\s+/g, ' ').trim()
}

function decode(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}
