/** What an owner has to give so that a server can be called in its name. */
import type { Credential } from '#contract/credential.ts'
import type { Resolved } from '#contract/secret-text.ts'
import type { CredentialOwner } from '#core/credential/stored-credential.ts'
import type { ServedServer } from '#contract/server.ts'

type Kind<Name extends Credential['kind']> = Resolved<Extract<Credential, { kind: Name }>>
type AuthorizationCode = Kind<'oauth2_authorization_code'>
type IdentityProvider = Kind<'oauth2_token_exchange'>['subject']

/** An account that is connected in a browser. */
export type AccountNeed = Omit<Partial<AuthorizationCode>, 'kind' | 'owner' | 'timeoutMs'> & {
  timeoutMs: number
  /** False: at the identity provider, whose token is exchanged for the server's. */
  isAtServer: boolean
}

export type KeyNeed = { parts: readonly string[]; helpUrl: string | null }

type Transport = Extract<ServedServer['transport'], { credential: unknown }>
export type VariableNeed = Transport['variables'][number]

export type Needs = { account: AccountNeed | null; key: KeyNeed | null; variables: readonly VariableNeed[] }

const partsOfKind = {
  bearer: ['token'],
  api_key: ['key'],
  basic: ['username', 'password'],
  authorization: ['value'],
  token: ['token'],
} as const

/** Null: an owner of this kind has nothing to give. */
export function needsOf({ transport }: ServedServer, ownerKind: CredentialOwner['kind']): Needs | null {
  if (transport.kind === 'stdio') return null
  const { credential } = transport
  const account = ownerKind === ownerOfAccount(credential) ? toAccount(credential) : null
  const key = ownerKind === 'gateway' ? null : toKey(credential, ownerKind)
  const variables = ownerKind === 'user' ? transport.variables.filter(({ scope }) => scope === 'user') : []
  return account || key || variables.length > 0 ? { account, key, variables } : null
}

/** Whose account or key this server is called with; null: nobody gives any. */
export function ownerKindOf({ transport }: ServedServer): CredentialOwner['kind'] | null {
  if (transport.kind === 'stdio') return null
  const { credential } = transport
  const kind =
    ownerOfAccount(credential) ?? ('owner' in credential && credential.owner !== 'gateway' ? credential.owner : null)
  return kind ?? (transport.variables.some(({ scope }) => scope === 'user') ? 'user' : null)
}

function ownerOfAccount(credential: Resolved<Credential>): CredentialOwner['kind'] | null {
  if (credential.kind === 'oauth2_authorization_code') return credential.owner
  return credential.kind === 'oauth2_token_exchange' ? 'user' : null
}

function toAccount(credential: Resolved<Credential>): AccountNeed | null {
  if (credential.kind === 'oauth2_authorization_code') {
    const { kind: _kind, owner: _owner, ...account } = credential
    return { ...account, isAtServer: true }
  }
  return credential.kind === 'oauth2_token_exchange' ? atProvider(credential.subject, credential.timeoutMs) : null
}

/** Without `openid` it is no sign-in at an identity provider (OpenID Connect Core §3.1.2.1). */
function atProvider(subject: IdentityProvider, timeoutMs: number): AccountNeed {
  return { ...subject, scopes: subject.scopes ?? ['openid'], timeoutMs, isAtServer: false }
}

function toKey(credential: Resolved<Credential>, ownerKind: 'user' | 'team'): KeyNeed | null {
  if (!hasParts(credential) || credential.owner !== ownerKind) return null
  return { parts: partsOfKind[credential.kind], helpUrl: credential.helpUrl ?? null }
}

function hasParts(credential: Resolved<Credential>): credential is Kind<keyof typeof partsOfKind> {
  return Object.hasOwn(partsOfKind, credential.kind)
}
