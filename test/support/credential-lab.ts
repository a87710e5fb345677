/** Credentials of one server, with an authorization server and a store that are played. */
import type { z } from 'zod'
import { GatewayError } from '#contract/errors.ts'
import { Server } from '#contract/server.ts'
import type { HttpTransport } from '#contract/transport.ts'
import type { ChangeEvent } from '#core/audit/change-log.ts'
import type { AwsCredentialDefinition, AwsCredentials } from '#core/credential/aws-credentials.ts'
import { CredentialCache } from '#core/credential/credential-cache.ts'
import { GrantKeeper } from '#core/credential/grant-keeper.ts'
import type { CredentialHolder, Lease, ServerCredential, UpstreamRefusal } from '#core/credential/lease.ts'
import { noSecrets, resolveSecrets } from '#core/credential/resolve-secrets.ts'
import type { StoredCredential } from '#core/credential/stored-credential.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { ResourceSnapshot } from '#core/resources/snapshot.ts'
import type { CredentialDeps } from '#gateway/credential/credential-deps.ts'
import { createServerCredential } from '#gateway/credential/server-credential.ts'
import { TokenSources } from '#gateway/credential/token-sources.ts'
import { MemoryCredentialBook, storedCredential, storedGrant } from './credential-books.ts'
import { FakeClock } from './fake-clock.ts'
import { PlayedOAuth } from './played-oauth.ts'
import { resource } from './resources.ts'

type Transport = Omit<z.input<typeof HttpTransport>, 'kind' | 'url'> & { url?: string }

export const ann: CredentialHolder = { userId: 'usr_ann', teamId: null }
export const bob: CredentialHolder = { userId: 'usr_bob', teamId: null }
/** A token of the team itself. */
export const blueBot: CredentialHolder = { userId: null, teamId: 'team_blue' }
/** A caller of the library, or a token of the configuration. */
export const nobody: CredentialHolder = { userId: null, teamId: null }

export class CredentialLab {
  readonly clock = new FakeClock()
  readonly book = new MemoryCredentialBook()
  readonly oauth = new PlayedOAuth(this.clock)
  readonly snapshot = new ResourceSnapshot()
  readonly events: ChangeEvent[] = []
  readonly aws = {
    asked: [] as AwsCredentialDefinition[],
    lifeMs: null as number | null,
    failure: null as Error | null,
  }
  readonly deps: CredentialDeps

  /** @param over what is real */
  constructor(
    over: (snapshot: ResourceSnapshot) => Partial<Pick<CredentialDeps, 'book' | 'clock' | 'oauth'>> = () => ({}),
  ) {
    this.change(
      resource('user', 'ann'),
      resource('user', 'bob', { type: 'service' }),
      resource('team', 'blue', { members: [{ user: 'usr_ann' }] }),
      resource('team', 'azure', { members: [{ user: 'usr_ann' }] }),
    )
    const { snapshot } = this
    const { book, clock, oauth } = { book: this.book, clock: this.clock, oauth: this.oauth, ...over(snapshot) }
    const changes = { append: (event: ChangeEvent) => void this.events.push(event) }
    this.deps = {
      book,
      clock,
      changes,
      oauth,
      keeper: new GrantKeeper({ book, clock, changes, oauth }),
      sources: new TokenSources({ oauth, book, clock }),
      tokens: new CredentialCache({ clock, valuesMax: 200 }),
      exchanged: new CredentialCache({ clock, valuesMax: 500 }),
      awsKeys: new CredentialCache({ clock, valuesMax: 200 }),
      aws: { get: (definition) => this.#awsKeys(definition) },
      createSigner:
        ({ host, path, region, service }) =>
        ({ method }, { accessKeyId }) => [
          'authorization',
          [accessKeyId, method, host, path, region, service].join(' '),
        ],
      index: snapshot,
      hash: (text) => `#${text}`,
      connectUrl: ({ name }, { kind }) => `https://gateway.example/connect/${name}?for=${kind}`,
    }
  }

  async #awsKeys(definition: AwsCredentialDefinition): Promise<AwsCredentials> {
    const { asked, lifeMs, failure } = this.aws
    asked.push(definition)
    if (failure) throw failure
    const expiresAt = lifeMs === null ? null : this.clock.now() + lifeMs
    return { accessKeyId: `AKIA${asked.length}`, secretAccessKey: 's3cret', sessionToken: null, expiresAt }
  }

  change(...changed: Resource[]): void {
    this.snapshot.apply({ changed, deleted: [], isWhole: false })
  }

  /** The credential of the server `files` at `https://files.example/mcp`. */
  serve(transport: Transport, name = 'files'): ServerCredential {
    const remote = { kind: 'streamable_http' as const, url: `https://${name}.example/mcp`, ...transport }
    const server = Server.parse({ name, transport: remote, isolation: 'principal' })
    return createServerCredential({ id: `srv_${name}`, ...resolveSecrets(server, noSecrets) }, this.deps)
  }

  give(differs: Partial<StoredCredential>): void {
    this.book.put(storedCredential(differs))
  }

  /** A grant of Ann's at the authorization server that is played; its tokens are `access-0` and `refresh-0`. */
  connect(grant: Parameters<typeof storedGrant>[0] = {}, differs: Partial<StoredCredential> = {}): void {
    this.give({ secret: storedGrant({ scopes: ['read'], ...grant }), ...differs })
  }

  stored(name = 'srv_files.user.usr_ann'): StoredCredential | undefined {
    return this.book.find(name)?.credential
  }
}

/** What was sent is what the lease says now, unless told otherwise. */
export function refusal(lease: Lease, more: Partial<UpstreamRefusal> = {}): UpstreamRefusal {
  return { sent: lease.headers, isLast: false, status: 401, challenge: null, ...more }
}

export const unreachable = (): GatewayError =>
  new GatewayError('credential_unavailable', { details: { reason: 'unreachable' } })
