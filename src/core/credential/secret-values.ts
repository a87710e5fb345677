/** Texts of a server's definition that are secret, or can be: what must be found again in no record. */
import type { Server } from '#contract/server.ts'
import { credentialHeaders } from './credential-headers.ts'

export function secretValuesOf({ transport }: Pick<Server, 'transport'>): string[] {
  if (transport.kind === 'stdio') return Object.values(transport.env)
  const { credential, headers, url } = transport
  const sent = credentialHeaders(credential, headers).filter((_, index) => index % 2 === 1)
  const basic = credential.kind === 'basic' ? [credential.password] : []
  return [...sent.flatMap((value) => [value, ...value.split(' ')]), ...basic, ...valuesInUrl(url)]
}

/** Some services put the key into the query or before the host. */
function valuesInUrl(text: string): string[] {
  if (!URL.canParse(text)) return []
  const { username, password, searchParams } = new URL(text)
  return [decodeURIComponent(username), decodeURIComponent(password), ...searchParams.values()].filter(
    (part) => part !== '',
  )
}
