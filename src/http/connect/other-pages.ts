/** Signing in, leaving for another sign-in, being done, and what went wrong. */
import type { Connection } from '#contract/connection.ts'
import type { GatewayError } from '#contract/errors.ts'
import { html, nothing } from './html.ts'
import type { SignedIn } from './list-page.ts'
import type { Page } from './page.ts'
import { hiddenFields, note } from './parts.ts'
import { failureWords, reasonCode } from './words.ts'

/** Where somebody goes after signing in: a server's page, or the list. */
export type Aim = { server?: string | undefined; for?: string | undefined; owner?: string | undefined }

export function signInPage({ formToken, aim, isRefused }: { formToken: string; aim: Aim; isRefused: boolean }): Page {
  const body = html`<p class="soft">With your name and password at Toolgate, not with those of another service.</p>
    ${isRefused ? note('bad', 'There is no such name with this password.') : nothing}
    <form class="card" method="post" action="/connect/sign-in">
      ${hiddenFields({ form: formToken, ...aim })}
      <label for="name">Name</label>
      <input
        id="name"
        name="name"
        type="text"
        autocomplete="username"
        autocapitalize="none"
        spellcheck="false"
        required
      />
      <label for="password">Password</label>
      <input id="password" name="password" type="password" autocomplete="current-password" required />
      <button type="submit">Sign in</button>
    </form>`
  return { title: 'Sign in', body }
}

/** A page of its own, and no redirect: a form's policy would hold for every address that the other sign-in redirects to. */
export function leavePage(
  { url, host, server }: { url: string; host: string; server: string },
  visitor: SignedIn,
): Page {
  const body = html`<p>You go on to the sign-in for ${server}, at <strong>${host}</strong>.</p>
    <p><a class="button" href="${url}">Continue</a></p>`
  return { title: 'One moment', body, visitor, next: url }
}

export function donePage({ server, owner }: Connection, visitor: SignedIn): Page {
  const whose = owner.kind === 'team' ? ` for the team ${owner.name}` : ''
  const body = html`${note('good', `${server.name} is connected${whose}.`)}
    <p>You can close this page. Go back to your program and let it call again.</p>
    <p><a href="/connect">All connections</a></p>`
  return { title: 'Connected', body, visitor }
}

/** In the words of the catalogue, and in what they mean here. Nothing that somebody sent is in it. */
export function errorPage(
  error: GatewayError,
  { requestId, visitor }: { requestId: string; visitor: SignedIn | null },
): Page {
  const words = failureWords(error)
  const code = reasonCode(error)
  const body = html`${words === null ? nothing : html`<p>${words}</p>`}
    <p><a class="button" href="/connect">Your connections</a></p>
    <p class="soft"><small>${error.code}${code === null ? '' : ` · ${code}`} · ${requestId}</small></p>`
  return { title: error.message.replace(/\.$/, ''), body, ...(visitor && { visitor }) }
}
