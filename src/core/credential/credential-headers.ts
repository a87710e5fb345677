/** The headers that a credential is sent in, when it is a text. */
import { invalidHeader, type Header } from './header-merge.ts'
import type { StaticCredential } from './static-credential.ts'

/**
 * As they are given: `mergeHeaders` says whether they can be sent.
 * @throws GatewayError `config_invalid` for a user name that the other side would read otherwise
 */
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
