/**
 * `${NAME}` in the headers and the address of a server: templates are compiled once, and what is put in is not looked at again.
 *
 * Declared names alone are variables; any other text is what it is, and nothing escapes anything.
 */
import { GatewayError } from '#contract/errors.ts'
import { isHeaderValue } from '#contract/header-text.ts'

export type VariableDeclaration = {
  name: string
  /** `global`: of the definition. `user`: each user's own, unless the definition has one that is not empty. */
  scope: 'global' | 'user'
  value?: string | undefined
  isRequired: boolean
}

/** A map, because a variable may have the name of something that every object has. */
export type VariableValues = ReadonlyMap<string, string>

export interface Template {
  /** The variables in it, each once. None: `fill` gives the same text each time. */
  readonly names: readonly string[]
  /**
   * @throws GatewayError `config_invalid` that names the variable and never its value: one that cannot stand here. What an owner gives is tried
   *   when it is given
   */
  fill(values: VariableValues): string
}

const variable = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g

/**
 * @param own what this owner gave, by name
 * @returns a value for each variable that is not missing; one that may be missing is empty then
 */
export function resolveVariables(
  declared: readonly VariableDeclaration[],
  own: Readonly<Record<string, string>>,
): { values: VariableValues; missing: readonly string[] } {
  const values = new Map<string, string>()
  const missing: string[] = []
  for (const { name, scope, value = '', isRequired } of declared) {
    const given = scope === 'user' && value === '' && Object.hasOwn(own, name) ? (own[name] ?? '') : value
    if (given === '' && isRequired) missing.push(name)
    else values.set(name, given)
  }
  return { values, missing }
}

type Templates = { url: string; headers: Readonly<Record<string, string>> }

/**
 * Values that cannot stand where the server's definition has them; to be told to who gives them.
 * @throws GatewayError `config_invalid`: the definition itself is wrong
 */
export function findUnfitValues(
  { url, headers }: Templates,
  declared: readonly string[],
  given: VariableValues,
): { name: string; reason: string }[] {
  const templates = [
    compileUrl(url, declared).path,
    ...Object.values(headers).map((text) => compileHeader(text, declared)),
  ]
  return [...given].flatMap(([name, value]) => {
    // The others may not be there yet.
    const values = new Map(declared.map((one) => [one, one === name ? value : 'x']))
    const reasons = templates
      .filter(({ names }) => names.includes(name))
      .map((template) => reasonAgainst(template, values))
    return reasons
      .filter((reason) => reason !== null)
      .slice(0, 1)
      .map((reason) => ({ name, reason }))
  })
}

function reasonAgainst(template: Template, values: VariableValues): string | null {
  try {
    template.fill(values)
    return null
  } catch (error) {
    if (error instanceof GatewayError) return String(error.details['reason'])
    throw error
  }
}

/** The value of a header. Each value must fit in its one line. */
export function compileHeader(text: string, declared: Iterable<string>): Template {
  return compile(text, { declared, encode: toHeaderText })
}

/** A server's address: where it leads is fixed, and its path and query may hold variables. */
export type UrlTemplate = {
  /** Scheme, host and port, as `URL.origin`. */
  origin: string
  /** Path and query, as they are sent. */
  path: Template
}

/** RFC 3986 §3, with the `\` that URLs of the web take for `/`. */
const urlParts = /^([a-z][a-z0-9+.-]*:\/\/[^/\\?#]*)([^?#]*)([^#]*)/is

/**
 * A value is one segment, one parameter, or a part of it: it can neither leave it nor end it.
 * @throws GatewayError `config_invalid`: no URL, or a variable where it says which server this is
 */
export function compileUrl(text: string, declared: Iterable<string>): UrlTemplate {
  const names = new Set(declared)
  const [, authority = '', path = '', query = ''] = urlParts.exec(text) ?? []
  if (splitAtVariables(authority, names).length > 1) throw invalidUrl('a variable may stand in its path and query only')
  // The fixed parts get the form in which they are sent; variables have one that no part of a URL is changed into.
  const parts = splitAtVariables(path + query, names)
  if (parts.length === 1) return plainUrl(text)
  const url = toUrl(authority + parts.map((part) => (part.name === null ? part.text : placeholder)).join(''))
  const fixed = (url.pathname + url.search).split(placeholder)
  const found = parts.flatMap(({ name }) => (name === null ? [] : [name]))
  if (fixed.length !== found.length + 1) throw invalidUrl('it cannot be told where its variables stand')
  return { origin: originOf(url), path: pathTemplate(fixed, found) }
}

/** Unreserved characters of RFC 3986, which stay as they are in every part. */
const placeholder = '~toolgate.variable~'

function plainUrl(text: string): UrlTemplate {
  const url = toUrl(text)
  const path = url.pathname + url.search
  return { origin: originOf(url), path: { names: [], fill: () => path } }
}

/** `URL.origin` is `null` for schemes that it does not know the ports of. */
function originOf({ protocol, host }: URL): string {
  return `${protocol}//${host}`
}

/**
 * Two dots are one segment up, in any spelling (WHATWG URL §4.4). It is the server who reads this path, or a proxy before it, and many take an
 * encoded slash for one.
 */
const dotSegment = /(?:^|\/|%2f|%5c)(?:\.|%2e){1,2}(?:$|[/?]|%2f|%5c)/i

function pathTemplate(fixed: readonly string[], names: readonly string[]): Template {
  const queryFrom = fixed.findIndex((text) => text.includes('?'))
  /** How many of the variables stand before the query. */
  const inPath = queryFrom === -1 ? names.length : queryFrom
  return {
    names: [...new Set(names)],
    fill(values) {
      let path = fixed[0] ?? ''
      names.forEach((name, index) => {
        const value = values.get(name) ?? ''
        if (value === '' && index < inPath) throw invalidValue(name, 'it is empty, and stands in a path')
        path += toUrlText(value, name) + (fixed[index + 1] ?? '')
      })
      const [bare = ''] = path.split('?', 1)
      if (dotSegment.test(bare)) throw invalidValue(names[0] ?? '', 'with it the path would lead elsewhere')
      return path
    },
  }
}

type Encode = (value: string, name: string) => string

function compile(text: string, { declared, encode }: { declared: Iterable<string>; encode: Encode }): Template {
  const parts = splitAtVariables(text, new Set(declared))
  const names = new Set(parts.flatMap(({ name }) => (name === null ? [] : [name])))
  if (names.size === 0) return { names: [], fill: () => text }
  return {
    names: [...names],
    fill: (values) =>
      parts.map(({ text, name }) => (name === null ? text : encode(values.get(name) ?? '', name))).join(''),
  }
}

type Part = { text: string; name: string | null }

/** Fixed texts, and declared variables between them: an odd number. */
function splitAtVariables(text: string, declared: ReadonlySet<string>): Part[] {
  const parts: Part[] = []
  let from = 0
  for (const match of text.matchAll(variable)) {
    const name = match[1] ?? ''
    if (!declared.has(name)) continue
    parts.push({ text: text.slice(from, match.index), name: null }, { text: match[0], name })
    from = match.index + match[0].length
  }
  parts.push({ text: text.slice(from), name: null })
  return parts
}

function toHeaderText(value: string, name: string): string {
  if (isHeaderValue(value)) return value
  throw invalidValue(name, 'it must be a single line of Latin-1 characters')
}

/** Everything but RFC 3986's unreserved characters, as UTF-8. */
function toUrlText(value: string, name: string): string {
  if (!value.isWellFormed()) throw invalidValue(name, 'it is not text')
  return encodeURIComponent(value).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

function toUrl(text: string): URL {
  const url = URL.parse(text)
  if (url === null) throw invalidUrl('it is not a URL')
  return url
}

function invalidUrl(reason: string): GatewayError {
  return new GatewayError('config_invalid', { details: { reason: `the server address: ${reason}` } })
}

function invalidValue(name: string, reason: string): GatewayError {
  return new GatewayError('config_invalid', { details: { variable: name, reason } })
}
