/** Step 7 of a call, put together: who authenticates the requests to each server. */
import { createAwsCredentialSource } from '#adapters/aws/credential-source.ts'
import { createSigV4 } from '#adapters/aws/sigv4.ts'
import { hashToken } from '#adapters/crypto/token-mint.ts'
import type { GatewayError } from '#contract/errors.ts'
import type { ServedServer } from '#contract/server.ts'
import type { AwsCredentials } from '#core/credential/aws-credentials.ts'
import type { CredentialBook } from '#core/credential/credential-book.ts'
import { CredentialCache } from '#core/credential/credential-cache.ts'
import { GrantKeeper } from '#core/credential/grant-keeper.ts'
import type { ServerCredential } from '#core/credential/lease.ts'
import type { OAuthClient } from '#core/credential/oauth-client.ts'
import type { CredentialDeps } from '#gateway/credential/credential-deps.ts'
import { createServerCredential } from '#gateway/credential/server-credential.ts'
import { TokenSources } from '#gateway/credential/token-sources.ts'
import { systemClock } from './system-clock.ts'

export type ServerCredentialsOptions = Pick<CredentialDeps, 'book' | 'changes' | 'index' | 'connectUrl'> & {
  oauth: OAuthClient
  /** Told where the gateway cannot get a credential of its own. */
  onFailure?: (server: string, error: GatewayError) => void
}

export type ServerCredentials = {
  deps: CredentialDeps
  /** @throws GatewayError `config_invalid` */
  of: (server: ServedServer) => ServerCredential
}

const tokensMax = 1_000
const exchangedMax = 10_000
const awsKeysMax = 500

export function createServerCredentials({ onFailure, ...options }: ServerCredentialsOptions): ServerCredentials {
  const { book, changes, oauth } = options
  const clock = systemClock
  const own = { clock, ...(onFailure && { onFailure }) }
  const deps: CredentialDeps = {
    ...options,
    clock,
    keeper: new GrantKeeper({ book, clock, changes, oauth }),
    sources: new TokenSources({ oauth, book, clock }),
    tokens: new CredentialCache<string>({ ...own, valuesMax: tokensMax }),
    exchanged: new CredentialCache<string>({ clock, valuesMax: exchangedMax }),
    awsKeys: new CredentialCache<AwsCredentials>({ ...own, valuesMax: awsKeysMax }),
    aws: createAwsCredentialSource(),
    createSigner: (target) => createSigV4(target, clock),
    hash: hashToken,
  }
  return { deps, of: (server) => createServerCredential(server, deps) }
}

/** Where nobody has a credential of its own: in a program, who calls is the program's business. */
export function createGatewayCredentials(oauth: OAuthClient): ServerCredentials {
  const index = { get: () => undefined, teamsOf: () => [], versionOf: () => 0 }
  return createServerCredentials({
    book: noBook,
    changes: { append: () => undefined },
    index,
    connectUrl: () => null,
    oauth,
  })
}

const noBook: CredentialBook = {
  version: 0,
  find: () => undefined,
  all: () => [],
  latest: () => Promise.resolve(null),
  write: () => Promise.resolve(null),
}
