/** What an upstream asks for when it refuses a request: the Bearer challenge of `WWW-Authenticate` (RFC 9110 §11.6.1, RFC 6750 §3, RFC 9728 §5.1). */

export type BearerChallenge = {
  /** As it came: an address that an upstream chose. */
  resourceMetadata: string | null
  scopes: readonly string[] | null
  error: BearerError | null
}

export type BearerError = 'invalid_request' | 'invalid_token' | 'insufficient_scope'

const challengeCharsMax = 16_384
const addressCharsMax = 2_048
const challengeScopesMax = 200

/** RFC 6749 §3.3. */
const scopeForm = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/
const errors: ReadonlySet<string> = new Set<BearerError>(['invalid_request', 'invalid_token', 'insufficient_scope'])

const gap = /[ \t,]*/y
const space = /[ \t]+/y
const token = /[A-Za-z0-9!#$%&'*+.^_`|~-]+/y
const equals = /[ \t]*=[ \t]*/y
const token68 = /[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y
const quoted = /"((?:[^"\\]|\\.)*)"/y
/** Servers leave the quotes away where the grammar wants them. */
const bare = /[^\s",]+/y

/**
 * @param text the header as it came, several of them joined by commas
 * @returns the first challenge for Bearer, with what could be read of it; null where there is none
 */
export function parseChallenge(text: string | null): BearerChallenge | null {
  if (text === null || text.length > challengeCharsMax) return null
  const found = findBearer(new Scanner(text))
  return found && toChallenge(found)
}

/** Splits a list of scopes as OAuth writes it. What is no scope is left out; nothing that is left is null. */
export function parseScopes(text: string): string[] | null {
  const scopes = [...new Set(text.split(' ').filter((scope) => scopeForm.test(scope)))].slice(0, challengeScopesMax)
  return scopes.length === 0 ? null : scopes
}

type Parameters = ReadonlyMap<string, string>

function findBearer(scanner: Scanner): Parameters | null {
  for (;;) {
    scanner.take(gap)
    const scheme = scanner.take(token)?.toLowerCase()
    if (scheme === undefined) return null
    const parameters = takeParameters(scanner)
    if (scheme === 'bearer') return parameters
  }
}

/** Those of one challenge. What follows a comma is the next challenge unless it has a value. */
function takeParameters(scanner: Scanner): Parameters {
  const parameters = new Map<string, string>()
  if (scanner.take(space) !== null && scanner.take(token68) !== null) return parameters
  for (;;) {
    const start = scanner.at
    scanner.take(gap)
    const name = scanner.take(token)?.toLowerCase()
    if (name === undefined) return parameters
    if (scanner.take(equals) === null) {
      scanner.at = start
      return parameters
    }
    const value = takeValue(scanner)
    if (value === null) return parameters
    if (!parameters.has(name)) parameters.set(name, value)
  }
}

/** Null, and nothing more to be read, where a quotation does not end. */
function takeValue(scanner: Scanner): string | null {
  const text = scanner.take(quoted)
  if (text !== null) return text.slice(1, -1).replaceAll(/\\(.)/g, '$1')
  const value = scanner.take(bare)
  if (value === null) scanner.end()
  return value
}

function toChallenge(parameters: Parameters): BearerChallenge {
  const address = parameters.get('resource_metadata') ?? ''
  const error = parameters.get('error') ?? ''
  return {
    resourceMetadata: address === '' || address.length > addressCharsMax ? null : address,
    scopes: parseScopes(parameters.get('scope') ?? ''),
    error: isBearerError(error) ? error : null,
  }
}

function isBearerError(text: string): text is BearerError {
  return errors.has(text)
}

/** Goes through a text once; each form is tried where the last one ended. */
class Scanner {
  readonly #text: string
  at = 0

  constructor(text: string) {
    this.#text = text
  }

  take(form: RegExp): string | null {
    form.lastIndex = this.at
    const [found] = form.exec(this.#text) ?? []
    if (found === undefined) return null
    this.at += found.length
    return found
  }

  end(): void {
    this.at = this.#text.length
  }
}
