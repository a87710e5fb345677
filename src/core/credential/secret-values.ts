/** Texts of a server's definition that are secret, or can be: what must be found again in no record. */
import type { Credential, Server } from '#contract/server.ts'
import { credentialHeaders } from './credential-headers.ts'

export function secretValuesOf({ transport }: Pick<Server, 'transport'>): string[] {
  if (transport.kind === 'stdio') return Object.values(transport.env)
  const { credential, headers, url } = transport
  const sent = sentValues(credential, headers)
  const basic = credential.kind === 'basic' ? [credential.password] : []
  // `Bearer` is no secret, and what stands behind it is one by itself.
  return [...sent.flatMap((value) => [value, ...value.split(' ').slice(1)]), ...basic, ...valuesInUrl(url)]
}

/** Some services put the key into the query or before the host. */
function valuesInUrl(text: string): string[] {
  if (!URL.canParse(text)) return []
  const { username, password, searchParams } = new URL(text)
  return [decode(username), decode(password), ...searchParams.values()].filter((part) => part !== '')
}

/** A definition that cannot be served has secrets all the same. */
function sentValues(credential: Credential, headers: Readonly<Record<string, string>>): string[] {
  try {
    return credentialHeaders(credential, headers).filter((_, index) => index % 2 === 1)
  } catch {
    return Object.values(headers)
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
