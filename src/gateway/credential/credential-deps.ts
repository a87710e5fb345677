/** What credentials are made of. Types only; one of these serves all servers. */
import type { Clock } from '#core/clock.ts'
import type { AwsCredentials, AwsCredentialSource } from '#core/credential/aws-credentials.ts'
import type { CredentialBook } from '#core/credential/credential-book.ts'
import type { CredentialCache } from '#core/credential/credential-cache.ts'
import type { MoveDeps } from '#core/credential/credential-moves.ts'
import type { GrantKeeper } from '#core/credential/grant-keeper.ts'
import type { OAuthClient } from '#core/credential/oauth-client.ts'
import type { CredentialOwner } from '#core/credential/stored-credential.ts'
import type { ResourceKind } from '#contract/resource.ts'
import type { ResourceIndex } from '#core/resources/resource-index.ts'
import type { WireRequest } from '#core/upstream/http-wire.ts'
import type { TokenSources } from './token-sources.ts'

export type SignerTarget = { host: string; path: string; region: string; service: string }
/** @returns headers for this one request, flat and in lower case */
export type RequestSigner = (request: WireRequest, keys: AwsCredentials) => readonly string[]

export type CredentialDeps = MoveDeps & {
  book: CredentialBook
  clock: Clock
  oauth: OAuthClient
  keeper: GrantKeeper
  sources: TokenSources
  tokens: CredentialCache<string>
  /** Those that were exchanged, by server and owner. */
  exchanged: CredentialCache<string>
  awsKeys: CredentialCache<AwsCredentials>
  aws: AwsCredentialSource
  createSigner: (target: SignerTarget) => RequestSigner
  /** Who is there, and in which teams. */
  index: Pick<ResourceIndex, 'get' | 'teamsOf'> & { versionOf(kind: ResourceKind): number }
  /** One that nobody can find collisions for. */
  hash: (text: string) => string
  /** Where people connect this server for this owner; null where the gateway's own address is not known. Nothing of a person is in it. */
  connectUrl: (server: { id: string; name: string }, owner: CredentialOwner) => string | null
}
