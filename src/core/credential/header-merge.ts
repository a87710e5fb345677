/**
 * Which headers a request to a server carries: the one place where they meet, without regard to case.
 *
 * Lowest to highest: what the caller sends and the server's list lets through, static headers, the caller's cookies, the credential. What the
 * transport writes is its own: nobody else sets it.
 */
import { GatewayError } from '#contract/errors.ts'
import { isHeaderName, isHeaderValue, isTransportHeader } from '#contract/header-text.ts'

export type Header = readonly [name: string, value: string]

/**
 * Static headers and the credential's, which are above them. Authorization has one source only.
 * @returns a flat list of lower-case names and values
 * @throws GatewayError `config_invalid` that names the header and never its value: one that belongs to the transport, that
 * no HTTP message can carry, or a second Authorization
 */
export function mergeHeaders(statics: Readonly<Record<string, string>>, credential: readonly Header[]): string[] {
  const merged = new Map<string, string>()
  for (const header of Object.entries(statics)) merged.set(...checked(header))
  for (const header of credential) {
    const [name, value] = checked(header)
    if (name === 'authorization' && merged.has(name))
      throw invalidHeader(name, 'both a static header and the credential set it')
    merged.set(name, value)
  }
  return [...merged].flat()
}

/**
 * @returns the name in lower case
 * @throws GatewayError `config_invalid`: no name of a header, or one that the transport sets
 */
export function checkedName(text: string): string {
  const name = text.toLowerCase()
  if (!isHeaderName(name))
    throw new GatewayError('config_invalid', { details: { reason: 'a header name is not valid' } })
  if (isTransportHeader(name)) throw invalidHeader(name, 'the transport sets it')
  return name
}

export function invalidHeader(header: string, reason: string): GatewayError {
  return new GatewayError('config_invalid', { details: { header, reason } })
}

function checked([text, value]: Header): [string, string] {
  const name = checkedName(text)
  if (!isHeaderValue(value)) throw invalidHeader(name, 'its value must be a single line of Latin-1 characters')
  return [name, value]
}
