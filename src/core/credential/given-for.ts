/** What an owner gives is given for the address that the server has then, and goes to no other: whoever changes that later decides nothing for its owner. */
import type { StoredCredential } from './stored-credential.ts'

/** Where requests to this address go: scheme, host and port. */
export function originOf(url: string): string {
  const { protocol, host } = new URL(url)
  return `${protocol}//${host}`
}

/** Undefined as well where it was given for another address. */
export function givenFor(url: string, credential: StoredCredential | null | undefined): StoredCredential | undefined {
  if (!credential) return undefined
  return credential.origin === undefined || credential.origin === originOf(url) ? credential : undefined
}
