/** Parts that several pages have. */
import type { Connection } from '#contract/connection.ts'
import { html, nothing, type Html } from './html.ts'
import { reasonWords, stateWords, toDate } from './words.ts'

/** The state as a mark, and why it is so in a sentence. */
export function stateOf(connection: Connection): { mark: Html; why: Html } {
  const { word, look } = stateWords[connection.state]
  const reason = reasonWords(connection)
  const times = timesOf(connection)
  return {
    mark: html`<span class="state ${look}">${word}</span>`,
    why: reason === null && times === '' ? nothing : html`<p>${[reason, times].filter(Boolean).join(' ')}</p>`,
  }
}

function timesOf({ state, reason, since, expiresAt }: Connection): string {
  if (since === null) return ''
  if (reason === 'renewed') return `Renewed on ${toDate(since)}.`
  if (state === 'connected') return `Since ${toDate(since)}.`
  if (state === 'expiring' && expiresAt !== null) return `It ends on ${toDate(expiresAt)}.`
  return state === 'revoked' ? `On ${toDate(since)}.` : ''
}

/** Those without a value are left out. */
export function hiddenFields(fields: Readonly<Record<string, string | undefined>>): Html[] {
  return Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [html`<input type="hidden" name="${name}" value="${value}" />`],
  )
}

/** What stands out. */
export function note(look: 'good' | 'warn' | 'bad', text: string): Html {
  return html`<div class="note ${look}" role="${look === 'bad' ? 'alert' : 'status'}"><p>${text}</p></div>`
}

/** Whose it is, as addresses and forms say it. */
export function ownerWordOf({ owner: { kind, id } }: Connection): string {
  return kind === 'gateway' ? kind : `${kind}:${id}`
}
