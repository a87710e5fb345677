/** A whole page and the headers that it goes out with. */
import type { ServerResponse } from 'node:http'
import { html, nothing, type Html } from './html.ts'
import { styleElement, styleHash } from './style.ts'

export type Page = {
  title: string
  body: Html
  /** Who has signed in, and what its forms prove themselves with. */
  visitor?: { name: string; formToken: string }
  /** Where the browser goes by itself. */
  next?: string
}

/** Nothing is loaded and nothing is run; no other page holds this one in a frame; forms go to the gateway alone. */
const policy = `default-src 'none'; style-src '${styleHash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`

/** `same-origin`: with less, a browser says of its own forms that they come from nowhere (Fetch §3.1), and the check of the origin refuses them. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': policy,
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
  'x-robots-tag': 'noindex',
}

export function sendPage(res: ServerResponse, page: Page, { status = 200 }: { status?: number } = {}): void {
  const text = toText(page)
  res.writeHead(status, {
    ...pageHeaders,
    'content-type': 'text/html; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  })
  res.end(text)
}

/** @param path of the gateway itself */
export function sendSeeOther(res: ServerResponse, path: string): void {
  res.writeHead(303, { ...pageHeaders, location: path, 'content-length': 0 })
  res.end()
}

function toText({ title, body, visitor, next }: Page): string {
  const refresh = next === undefined ? nothing : html`<meta http-equiv="refresh" content="0;url=${next}" />`
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        ${refresh}
        <title>${title} · Toolgate</title>
        ${styleElement}
      </head>
      <body>
        <header><a href="/connect">Toolgate</a>${visitor ? signedIn(visitor) : nothing}</header>
        <main>
          <h1>${title}</h1>
          ${body}
        </main>
      </body>
    </html>`
  return page.html
}

function signedIn({ name, formToken }: NonNullable<Page['visitor']>): Html {
  return html`<form method="post" action="/connect/sign-out">
    <span>${name}</span><input type="hidden" name="form" value="${formToken}" />
    <button class="plain" type="submit">Sign out</button>
  </form>`
}
