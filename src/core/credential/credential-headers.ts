/** The headers that a server's own configuration puts on every request to it: static headers and the credential. */
import { invalidHeader, mergeHeaders, type Header } from './header-merge.ts'

/** A credential that is a text, and stays what it is. */
export type StaticCredential =
  | { kind: 'none' }
  | { kind: 'bearer'; token: string }
  | { kind: 'token'; token: string }
  | { kind: 'authorization'; value: string }
  | { kind: 'api_key'; key: string; header: string }
  | { kind: 'basic'; username: string; password: string }

/**
 * @returns a flat list of lower-case names and values
 * @throws GatewayError `config_invalid`, as `mergeHeaders` does
 */
export function credentialHeaders(credential: StaticCredential, headers: Readonly<Record<string, string>>): string[] {
  return mergeHeaders(headers, headersOf(credential))
}

/** What it sends, as it is given. */
export function headersOf(credential: StaticCredential): Header[] {
  switch (credential.kind) {
    case 'none':
      return []
    case 'bearer':
      return [['authorization', `Bearer ${credential.token}`]]
    case 'token':
      return [['authorization', `token ${credential.token}`]]
    case 'authorization':
      return [['authorization', credential.value]]
    case 'api_key':
      return [[credential.header, credential.key]]
    default:
      return [['authorization', `Basic ${toBasic(credential)}`]]
  }
}

/** RFC 7617 §2 and §2.1: the first colon ends the user name, and the text is UTF-8. */
function toBasic({ username, password }: { username: string; password: string }): string {
  if (username.includes(':')) throw invalidHeader('authorization', 'the user name holds a colon')
  const bytes = new TextEncoder().encode(`${username}:${password}`)
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
}
