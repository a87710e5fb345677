/** The page of one server: what will happen, and the forms for it. */
import type { Connection } from '#contract/connection.ts'
import { connectPath } from '#core/credential/connect-link.ts'
import { html, nothing, type Html } from './html.ts'
import { endForm, whose, type SignedIn } from './list-page.ts'
import type { Page } from './page.ts'
import { hiddenFields, note, ownerWordOf, stateOf } from './parts.ts'
import { partWords } from './words.ts'

export type ServerPageParts = {
  connection: Connection
  visitor: SignedIn
  /** With which the person came; its forms bring it back. */
  link: string | undefined
  /** What is wrong with what was sent before, by field; undefined: nothing was. */
  problems?: ReadonlyMap<string, string> | undefined
}

export function serverPage(parts: ServerPageParts): Page {
  const { connection, visitor, problems } = parts
  const { server, kind, state, may } = connection
  const { mark, why } = stateOf(connection)
  const isThere = state !== 'missing' && state !== 'revoked'
  const body = html`<p class="soft">${server.description ?? ''}</p>
    ${problems ? note('bad', 'Nothing was changed. Look at the fields below.') : nothing}
    <section class="card" aria-label="State">
      <div class="top">
        <p>${whose(connection)}</p>
        ${mark}
      </div>
      ${why}${may.end && isThere ? html`<div class="row">${endForm(connection, visitor)}</div>` : nothing}
    </section>
    ${may.give ? giving(parts) : html`<p>${whoCan(connection)}</p>`}
    <p><a href="/connect">All connections</a></p>`
  return { title: kind === 'account' ? `Connect ${server.name}` : server.name, body, visitor }
}

/** To who can only look. */
function whoCan({ owner }: Connection): string {
  return owner.kind === 'user' ? `Only ${owner.name} can connect it.` : 'An admin of the team can connect it.'
}

function giving(parts: ServerPageParts): Html[] {
  const { kind, variables } = parts.connection
  return [
    ...(kind === 'account' ? [accountForm(parts)] : []),
    ...(kind === 'key' ? [keyForm(parts)] : []),
    ...(variables.length > 0 ? [variablesForm(parts)] : []),
  ]
}

function accountForm(parts: ServerPageParts): Html {
  const { connection } = parts
  const isThere = ['connected', 'expiring', 'needs_attention'].includes(connection.state)
  return html`<section class="card">
    <h2>Your account</h2>
    <p>
      You go to the sign-in of this server, and come back here. Choose there the account that your tools shall use:
      whoever calls ${connection.server.name} with a token of yours works with its rights.
    </p>
    ${scopesOf(connection)}
    <form method="post" action="${connectPath(connection.server)}/start">
      ${hidden(parts)}
      <button type="submit">${isThere ? 'Connect again' : 'Continue'}</button>
    </form>
  </section>`
}

/** Whoever gives something sees where it goes. */
function at({ sentTo }: Connection): Html {
  return sentTo === null ? html`this server` : html`<strong>${sentTo}</strong>`
}

function scopesOf({ scopes, state }: Connection): Html {
  if (!scopes || scopes.length === 0 || state === 'revoked') return nothing
  const items = scopes.map((scope, index) => html`${index > 0 ? ', ' : ''}<code>${scope}</code>`)
  return html`<p class="soft">It was given: ${items}</p>`
}

function keyForm(parts: ServerPageParts): Html {
  const { connection } = parts
  const { keyParts, helpUrl, server, state } = connection
  const fields = keyParts.map((part) =>
    field(parts, {
      name: part,
      label: partWords[part] ?? part,
      isText: part === 'username',
      isRequired: true,
      hint: '',
    }),
  )
  return html`<section class="card">
    <h2>Your key</h2>
    <p>It is kept sealed, sent to ${at(connection)} alone, and never shown again.</p>
    ${helpUrl === null ? nothing : html`<p><a href="${helpUrl}" rel="noopener noreferrer">Where to get one</a></p>`}
    <form method="post" action="${connectPath(server)}/key" autocomplete="off">
      ${hidden(parts)}${fields}<button type="submit">${state === 'connected' ? 'Replace it' : 'Save'}</button>
    </form>
  </section>`
}

function variablesForm(parts: ServerPageParts): Html {
  const { variables, server } = parts.connection
  const fields = variables.map(({ name, description, isRequired, isSet }) =>
    field(parts, {
      name: `value.${name}`,
      label: name,
      isText: false,
      isRequired: isRequired && !isSet,
      hint: [
        description ?? '',
        isSet ? 'There is a value; an empty field leaves it as it is.' : isRequired ? '' : 'Not required.',
      ]
        .filter(Boolean)
        .join(' '),
    }),
  )
  return html`<section class="card">
    <h2>Your values</h2>
    <p>They are kept sealed, sent to ${at(parts.connection)} alone, and never shown again.</p>
    <form method="post" action="${connectPath(server)}/variables" autocomplete="off">
      ${hidden(parts)}${fields}<button type="submit">Save</button>
    </form>
  </section>`
}

type Field = { name: string; label: string; isText: boolean; isRequired: boolean; hint: string }

function field({ problems }: ServerPageParts, { name, label, isText, isRequired, hint }: Field): Html {
  const problem = problems?.get(name)
  const about = `${name}-about`
  const isTold = problem !== undefined || hint !== ''
  const words = html`${hint}${problem === undefined ? nothing : html` <strong class="bad">${toSentence(problem)}</strong>`}`
  const told = isTold ? html`<p class="hint" id="${about}">${words}</p>` : nothing
  const described = isTold ? html` aria-describedby="${about}"` : nothing
  const required = isRequired ? html` required` : nothing
  const invalid = problem === undefined ? nothing : html` aria-invalid="true"`
  return html`<label for="${name}">${label}</label>
    ${told}
    <input
      id="${name}"
      name="${name}"
      type="${isText ? 'text' : 'password'}"
      autocomplete="${isText ? 'off' : 'new-password'}"
      spellcheck="false"
      ${required}${described}${invalid}
    />`
}

function hidden({ connection, visitor, link }: ServerPageParts): Html[] {
  const whom = link === undefined ? { owner: ownerWordOf(connection) } : { for: link }
  return hiddenFields({ form: visitor.formToken, to: connection.sentTo ?? undefined, ...whom })
}

/** `must be …` to `Must be …` */
function toSentence(problem: string): string {
  return problem.slice(0, 1).toUpperCase() + problem.slice(1)
}
