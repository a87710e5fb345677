/** What somebody has connected, and what there is to connect. */
import type { Connection } from '#contract/connection.ts'
import { connectPath } from '#core/credential/connect-link.ts'
import { html, nothing, type Html } from './html.ts'
import type { Page } from './page.ts'
import { hiddenFields, ownerWordOf, stateOf } from './parts.ts'

export type SignedIn = NonNullable<Page['visitor']>

export function listPage(connections: readonly Connection[], visitor: SignedIn): Page {
  const cards = connections.map((one) => html`<li class="card">${card(one, visitor)}</li>`)
  const body =
    connections.length === 0
      ? html`<p>None of the servers that you may use needs an account or a key of your own.</p>`
      : html`<p class="soft">
            These servers work with an account or a key of your own. Toolgate keeps it sealed, and shows it to nobody.
          </p>
          <ul class="cards">
            ${cards}
          </ul>`
  return { title: 'Your connections', body, visitor }
}

/** What is to be done in these states; in the others it may be. */
const verbs: Readonly<Partial<Record<Connection['state'], string>>> = {
  missing: 'Connect',
  revoked: 'Connect',
  expiring: 'Connect again',
  needs_attention: 'Connect again',
}

function card(connection: Connection, visitor: SignedIn): Html {
  const { server, owner, may, state } = connection
  const path = connectPath(server)
  const query = owner.kind === 'user' ? '' : `?owner=${encodeURIComponent(ownerWordOf(connection))}`
  const isOver = state === 'missing' || state === 'revoked'
  const verb = verbs[state] ?? 'Change'
  const open = may.give
    ? html`<a class="button${state in verbs ? '' : ' plain'}" href="${path}${query}">${verb}</a>`
    : nothing
  return html`<div class="top">
      <h2>${server.name}</h2>
      ${stateOf(connection).mark}
    </div>
    ${server.description === null ? nothing : html`<p class="soft">${server.description}</p>`}
    ${owner.kind === 'user' ? nothing : html`<p class="soft">${whose(connection)}</p>`} ${stateOf(connection).why}
    <div class="row">${open}${may.end && !isOver ? endForm(connection, visitor) : nothing}</div>`
}

export function whose({ owner }: Connection): string {
  if (owner.kind === 'gateway') return 'For everybody who calls this server'
  return owner.kind === 'team' ? `For the team ${owner.name}` : `For ${owner.name}`
}

export function endForm(connection: Connection, { formToken }: SignedIn): Html {
  const { server } = connection
  return html`<form method="post" action="${connectPath(server)}/revoke">
    ${hiddenFields({ form: formToken, owner: ownerWordOf(connection) })}
    <button class="plain" type="submit">Disconnect<span class="unseen"> ${server.name}</span></button>
  </form>`
}
