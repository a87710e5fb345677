/** HTML that is written with values in it: each is escaped, unless it is HTML itself. */
export type Html = { readonly html: string }
type Value = string | number | Html | readonly Html[]

/** A tag for templates. Values may stand between tags, and within attributes that are quoted. */
export function html(texts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return { html: texts.map((text, index) => text + toText(values[index] ?? '')).join('') }
}

export const nothing: Html = { html: '' }

function toText(value: Value): string {
  if (typeof value === 'string' || typeof value === 'number') return escapeText(String(value))
  return 'html' in value ? value.html : value.map((one) => one.html).join('')
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** What turns the direction of a text could make a name look like another one. */
const unseen = /[\p{Cc}\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu

function escapeText(text: string): string {
  return text.replaceAll(unseen, ' ').replaceAll(/[&<>"']/g, (mark) => entities[mark] ?? '')
}
