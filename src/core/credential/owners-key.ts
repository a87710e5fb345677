/** Credentials that are a text, of which each owner gives its own. */
import type { Credential } from '#contract/credential.ts'
import type { Resolved } from '#contract/secret-text.ts'
import type { StaticCredential } from './credential-headers.ts'

export type KeyCredential = Resolved<
  Extract<Credential, { kind: 'bearer' | 'api_key' | 'basic' | 'authorization' | 'token' }>
>

/**
 * @param parts what an owner gave, by the names that the definition has for them
 * @returns null: a part is missing
 */
export function toOwnersCredential(
  definition: KeyCredential,
  parts: Readonly<Record<string, string>>,
): StaticCredential | null {
  const part = (name: string): string | undefined => (Object.hasOwn(parts, name) ? parts[name] : undefined)
  const { kind } = definition
  switch (kind) {
    case 'bearer':
    case 'token':
      return withParts(part('token'), (token) => ({ kind, token }))
    case 'api_key':
      return withParts(part('key'), (key) => ({ kind, key, header: definition.header }))
    case 'authorization':
      return withParts(part('value'), (value) => ({ kind, value }))
    default: {
      const username = part('username')
      return withParts(part('password'), (password) => (username === undefined ? null : { kind, username, password }))
    }
  }
}

function withParts(text: string | undefined, make: (text: string) => StaticCredential | null): StaticCredential | null {
  return text === undefined ? null : make(text)
}
