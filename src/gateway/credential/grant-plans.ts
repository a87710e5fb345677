/** How grants are renewed that owners have given for a server, or for the identity provider whose tokens are exchanged for it. */
import type { ServedServer } from '#contract/server.ts'
import type { AccountDefinition } from '#core/credential/account-source.ts'
import { givenFor } from '#core/credential/given-for.ts'
import type { GrantPlan } from '#core/credential/grant-plan.ts'
import type { CredentialOwner, StoredGrant } from '#core/credential/stored-credential.ts'
import type { CredentialDeps } from './credential-deps.ts'
import { refusals } from './refusals.ts'

type Deps = Pick<CredentialDeps, 'sources' | 'connectUrl'>

type Account = {
  server: ServedServer
  owner: CredentialOwner
  definition: AccountDefinition & { timeoutMs: number }
  /** False: at an identity provider. */
  isAtServer: boolean
}

export function createPlan({ server, owner, definition, isAtServer }: Account, deps: Deps): GrantPlan {
  const refuse = refusals(server, deps)
  const serverUrl = isAtServer ? urlOf(server) : null
  const place = { serverId: server.id, serverUrl, definition }
  return {
    serverId: server.id,
    serverName: server.name,
    owner,
    fits: (grant, stored) =>
      givenFor(urlOf(server), stored) !== undefined &&
      isOf(definition, grant) &&
      (serverUrl === null || isFor(grant, { definition, serverUrl })),
    source: (grant) => deps.sources.ofGrant(place, grant),
    refusal: (state, reason) => refuse.required(owner, state, reason),
  }
}

/** The plan of what this owner has stored for this server; null: its credential is no account. */
export function planOf(server: ServedServer, owner: CredentialOwner, deps: Deps): GrantPlan | null {
  if (server.transport.kind === 'stdio') return null
  const { credential } = server.transport
  if (credential.kind === 'oauth2_authorization_code')
    return createPlan({ server, owner, definition: credential, isAtServer: true }, deps)
  if (credential.kind !== 'oauth2_token_exchange') return null
  const definition = { ...credential.subject, timeoutMs: credential.timeoutMs }
  return createPlan({ server, owner, definition, isAtServer: false }, deps)
}

/** See Presented. */
export function giftOf({ issuer, clientId, givenAt }: StoredGrant): string {
  return `${issuer} ${clientId} ${givenAt ?? ''}`
}

export function urlOf({ transport }: ServedServer): string {
  return transport.kind === 'stdio' ? '' : transport.url
}

/** What is issued by one authorization server to one client is shown to no other: where the definition says another, it is connected anew. */
function isOf({ issuer, clientId }: AccountDefinition, grant: StoredGrant): boolean {
  return (issuer === undefined || issuer === grant.issuer) && (clientId === undefined || clientId === grant.clientId)
}

/** A token goes to the server that it was given for (RFC 8707): where a definition leads elsewhere now, its owners have not agreed to that. */
function isFor(
  { resource }: StoredGrant,
  { definition, serverUrl }: { definition: AccountDefinition; serverUrl: string },
): boolean {
  if (definition.resource !== undefined) return resource === definition.resource
  if (resource === null) return true
  const [wanted, given] = [URL.parse(serverUrl), URL.parse(resource)]
  if (!wanted || !given || wanted.origin !== given.origin) return false
  const below = given.pathname.endsWith('/') ? given.pathname : `${given.pathname}/`
  return wanted.pathname === given.pathname || wanted.pathname.startsWith(below)
}
