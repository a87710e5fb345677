/** Texts of a server's definition that are secret, or can be: what must be found again in no record. */
import type { Credential } from '#contract/credential.ts'
import { hideInParts } from '#contract/secret-places.ts'
import { mapSecretRefs } from '#contract/secret-text.ts'
import type { Server } from '#contract/server.ts'
import type { Transport } from '#contract/transport.ts'
import { headersOf } from './credential-headers.ts'
import type { StoredCredential } from './stored-credential.ts'
import { noSecrets, type SecretLookup } from './resolve-secrets.ts'

/** What an owner has given: texts that stay, and tokens that come and go. */
export function givenValuesOf({ secret, variables }: StoredCredential): { texts: string[]; tokens: string[] } {
  const texts = Object.values(variables)
  if (secret?.kind === 'oauth') {
    const { accessToken, refreshToken, idToken } = secret
    return { texts, tokens: [accessToken, refreshToken, idToken].filter((token) => token !== null) }
  }
  if (secret?.kind === 'key') {
    const { username: _, ...parts } = secret.parts
    texts.push(...Object.values(parts))
  }
  if (secret?.kind === 'client' && secret.auth.method !== 'none')
    texts.push('secret' in secret.auth ? secret.auth.secret : secret.auth.privateKey)
  return { texts, tokens: [] }
}

/** A definition that cannot be served has secrets all the same, so nothing of it is checked. */
export function secretValuesOf({ transport }: Pick<Server, 'transport'>, find: SecretLookup = noSecrets): string[] {
  const resolved = mapSecretRefs(transport, (ref) => find(ref)?.value ?? '')
  const texts = resolved.kind === 'stdio' ? Object.values(resolved.env) : remoteValues(resolved)
  return texts.flatMap((text) => (typeof text === 'string' && text !== '' ? [text] : []))
}

type Remote = Exclude<Transport, { kind: 'stdio' }>

function remoteValues({ url, credential, headers, variables, tls }: Remote): unknown[] {
  const parts = { credential, headers, variables, tls }
  const hidden = changedTexts(parts, hideInParts(parts))
  // `Bearer` is no secret, and what stands behind it is one by itself. Words of a key or a passphrase are words.
  const whole = [...Object.values(headers), credential.kind === 'authorization' ? credential.value : undefined]
  const words = whole.flatMap((text) => (typeof text === 'string' ? text.split(' ').slice(1) : []))
  return [...hidden, ...words, ...encodedBasic(credential), ...valuesInUrl(url)]
}

/** What is hidden is what is secret. */
function changedTexts(given: unknown, hidden: unknown): string[] {
  if (typeof given === 'string') return given === hidden ? [] : [given]
  if (typeof given !== 'object' || given === null) return []
  const shown = new Map(typeof hidden === 'object' && hidden !== null ? Object.entries(hidden) : [])
  return Object.entries(given).flatMap(([key, member]) => changedTexts(member, shown.get(key)))
}

/** The password as it is sent: somebody may write it down like that. */
function encodedBasic(credential: Credential): string[] {
  if (credential.kind !== 'basic') return []
  const { kind, username = '', password = '' } = credential
  if (typeof password !== 'string' || username.includes(':')) return []
  return headersOf({ kind, username, password }).flatMap(([, text]) => [text, ...text.split(' ').slice(1)])
}

/** Some services put the key into the query or before the host. */
function valuesInUrl(text: string): string[] {
  if (!URL.canParse(text)) return []
  const { username, password, searchParams } = new URL(text)
  return [decode(username), decode(password), ...searchParams.values()].filter((part) => part !== '')
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
