/**
 * What is kept of arguments and results: their JSON text, without what is secret or looks like it, and cut. What is left out has the mark
 * `[redacted]` in its place. The cut comes last, so that no half of a secret escapes the search for the whole.
 */

const mark = '[redacted]'

/** Compared without regard to case, `-` and `_`; a member whose name ends with one of them is secret whatever it holds. */
const secretEndings = [
  'password',
  'passwd',
  'passphrase',
  'pwd',
  'secret',
  'token',
  'apikey',
  'accesskey',
  'secretkey',
  'privatekey',
  'signingkey',
  'encryptionkey',
  'authorization',
  'auth',
  'credential',
  'credentials',
  'cookie',
  'cookies',
  'bearer',
  'jwt',
  'signature',
  'connectionstring',
]
/** Words that others end with as well. */
const secretNames = new Set(['pin', 'otp', 'pass', 'tokens', 'cvv', 'cvc'])

const secretWords = String.raw`passw(?:or)?d|passphrase|pwd|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credentials?|cookie`
const wordEnd = String.raw`[^\s"'&;,<>)}\]]{3,}`

/** In texts. What the first group holds says what is secret behind it, and stays. */
const secretForms: readonly RegExp[] = [
  // Tokens of our own, of every kind; none is shorter. A tool may well be called `tg_send_message`.
  /\btg[a-z]{0,3}_[A-Za-z0-9_.-]{32,}/g,
  // RFC 7519.
  /\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*){0,3}/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?/g,
  /\b(Bearer\s+)[\w.~+/=:-]{6,}/gi,
  /\b(Basic\s+)[\w.~+/=-]{16,}/gi,
  /(authorization["']?\s*[:=]\s*["']?)[^"'\r\n]{3,}/gi,
  // Keys as they are known from large services.
  /\b(?:sk|pk|rk|ghp|gho|ghu|ghs|ghr|github_pat|glpat|xox[abeprs]|AKIA|ASIA|AIza|npm)[-_]?[A-Za-z0-9_-]{16,}/g,
  // What stands before the host of an address.
  /(\b[a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@"'<>]{1,256}(?=@)/gi,
  // `password=…`, `"api_key": "…"`, `--token …`
  new RegExp(`([\\w-]{0,40}(?:${secretWords})["']?\\s*[:=]\\s*["']?)${wordEnd}`, 'gi'),
  new RegExp(`((?<![\\w-])--?[\\w-]{0,40}(?:${secretWords})\\s+["']?)${wordEnd}`, 'gi'),
]

export type RedactionOptions = {
  /** UTF-8 bytes of a text that is kept. */
  bytesMax: number
  /** Texts that are secret wherever they stand, such as credentials of servers. Shorter than six characters they are not looked for. */
  secrets: () => readonly string[]
  /** The same for what stands by itself, such as tokens of users: there may be many, and others every minute, so each is found in one step. */
  words?: () => ReadonlySet<string>
}

const secretCharsMin = 6
/** What of a long text is looked at, beyond what can be kept: a secret that begins before the cut must be found whole. */
const slackChars = 8_192

export type Redact = (value: unknown) => string

/** Only a text that holds one of these can be changed; names of tools do not. */
const hint = /tg[a-z]{0,3}_|eyJ|:\/\/|=|%/

/** A text that a caller chose and that is recorded as it is, such as a name or an address, without what looks like a secret. */
export function redactName(text: string): string {
  return hint.test(text) ? hide(text, secretForms) : text
}

export function createRedaction({ bytesMax, secrets, words }: RedactionOptions): Redact {
  let known: { from: readonly string[]; pattern: RegExp | null } | undefined
  const patternOf = (from: readonly string[]): RegExp | null => {
    if (known?.from !== from) known = { from, pattern: toPattern(from) }
    return known.pattern
  }
  return (value) => {
    const writer = new RedactedText(bytesMax, { pattern: patternOf(secrets()), words: words?.() ?? noWords })
    writer.write(value)
    return cutBytes(writer.text, bytesMax)
  }
}

type Known = { pattern: RegExp | null; words: ReadonlySet<string> }

const noWords: ReadonlySet<string> = new Set()

/** RFC 7235 §2.1, `token68`: a padding ends it, so `key=value` is two. */
const word = /[A-Za-z0-9._~+/-]{6,}=*/g

/** The longest first: one may begin like another. */
function toPattern(secrets: readonly string[]): RegExp | null {
  const forms = secrets.flatMap((secret) => (secret.length < secretCharsMin ? [] : spellings(secret)))
  if (forms.length === 0) return null
  const ordered = [...new Set(forms)].toSorted((one, other) => other.length - one.length)
  return new RegExp(ordered.map((form) => RegExp.escape(form)).join('|'), 'g')
}

/** As it is, in an address, and in base64 wherever in a text it stands. */
function spellings(secret: string): string[] {
  const bytes = new TextEncoder().encode(secret)
  const encoded = [0, 1, 2].map((offset) => base64Within(bytes, offset))
  const forUrls = encoded.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))
  return [
    secret,
    encodeURIComponent(secret.toWellFormed()),
    JSON.stringify(secret).slice(1, -1),
    ...encoded,
    ...forUrls,
  ]
}

/** What is the same in every base64 text that holds these bytes after so many others (modulo 3). */
function base64Within(bytes: Uint8Array, offset: number): string {
  const padded = [...Array.from({ length: offset }, () => 0), ...bytes]
  const whole = padded.length - (padded.length % 3)
  const text = btoa(String.fromCharCode(...padded.slice(0, whole)))
  return text.slice(offset === 0 ? 0 : 4)
}

/** Writes JSON until there is enough of it. */
class RedactedText {
  text = ''
  readonly #charsMax: number
  readonly #known: Known

  constructor(charsMax: number, known: Known) {
    this.#charsMax = charsMax
    this.#known = known
  }

  get #isFull(): boolean {
    return this.text.length > this.#charsMax
  }

  write(value: unknown): void {
    if (this.#isFull) return
    if (typeof value === 'string') this.text += JSON.stringify(this.#clean(value))
    else if (Array.isArray(value)) this.#writeList(value)
    else if (typeof value === 'object' && value !== null) this.#writeObject(value)
    else this.text += JSON.stringify(value) ?? 'null'
  }

  #writeList(list: readonly unknown[]): void {
    this.text += '['
    for (const [index, item] of list.entries()) {
      if (this.#isFull) return
      if (index > 0) this.text += ','
      this.write(item)
    }
    this.text += ']'
  }

  #writeObject(object: object): void {
    this.text += '{'
    let isFirst = true
    for (const [key, member] of Object.entries(object)) {
      if (this.#isFull) return
      if (member === undefined) continue
      this.text += `${isFirst ? '' : ','}${JSON.stringify(this.#clean(key))}:`
      isFirst = false
      if (isSecretName(key) && member !== null && typeof member !== 'boolean') this.text += `"${mark}"`
      else this.write(member)
    }
    this.text += '}'
  }

  /** A text may be JSON itself, with names of its own that say what is secret. */
  #clean(given: string): string {
    const text = given.slice(0, this.#charsMax + slackChars)
    const inner = text.length === given.length ? parseInner(text) : undefined
    if (inner !== undefined) {
      const writer = new RedactedText(this.#charsMax, this.#known)
      writer.write(inner)
      return writer.text
    }
    const { pattern, words } = this.#known
    return hide(text, pattern ? [pattern, ...secretForms] : secretForms, words)
  }
}

/** All forms are looked for in the text as it was: what one of them takes must not hide from another what it would have found. */
function hide(text: string, forms: readonly RegExp[], words = noWords): string {
  const known = words.size === 0 ? [] : [...text.matchAll(word)].filter(([match]) => words.has(match))
  const found = [...known, ...forms.flatMap((form) => [...text.matchAll(form)])]
    .map(toRange)
    .toSorted((one, other) => one.from - other.from)
  let kept = ''
  let at = 0
  for (const { from, to } of found) {
    if (from >= at) kept += text.slice(at, from) + mark
    at = Math.max(at, to)
  }
  return kept + text.slice(at)
}

function toRange({ 0: whole, 1: before = '', index }: RegExpExecArray): { from: number; to: number } {
  return { from: index + before.length, to: index + whole.length }
}

function parseInner(text: string): object | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

function isSecretName(name: string): boolean {
  const plain = name
    .slice(0, 200)
    .replaceAll(/[-_\s.]/g, '')
    .toLowerCase()
  return secretNames.has(plain) || secretEndings.some((ending) => plain.endsWith(ending))
}

/** Where something is cut off, `…` stands at the end. */
function cutBytes(text: string, bytesMax: number): string {
  const bytes = new TextEncoder().encode(text)
  if (bytes.length <= bytesMax) return text
  const end = '…'
  const kept = new TextDecoder().decode(bytes.subarray(0, Math.max(0, bytesMax - 3)))
  return `${kept.replace(/\uFFFD+$/, '')}${end}`
}
