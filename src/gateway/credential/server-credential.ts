/** Step 7 of a call: for each server that is served, whoever authenticates its requests. */
import type { Credential } from '#contract/credential.ts'
import { GatewayError } from '#contract/errors.ts'
import type { Resolved } from '#contract/secret-text.ts'
import type { ServedServer } from '#contract/server.ts'
import { headersOf } from '#core/credential/credential-headers.ts'
import { fixedCredential } from '#core/credential/fixed-credential.ts'
import { mergeHeaders } from '#core/credential/header-merge.ts'
import type { ServerCredential } from '#core/credential/lease.ts'
import { toStaticCredential, type KeyCredential } from '#core/credential/static-credential.ts'
import type { CredentialOwner } from '#core/credential/stored-credential.ts'
import { AwsScheme } from './aws-scheme.ts'
import { ClientScheme } from './client-scheme.ts'
import type { CredentialDeps } from './credential-deps.ts'
import { ExchangeScheme } from './exchange-scheme.ts'
import { FixedScheme } from './fixed-scheme.ts'
import { GrantScheme } from './grant-scheme.ts'
import { KeyScheme } from './key-scheme.ts'
import { OwnedCredential } from './owned-credential.ts'
import { RequestShape, type RemoteTransport } from './request-shape.ts'
import type { Scheme } from './scheme.ts'

type Definition = Resolved<Credential>

/** @throws GatewayError `config_invalid`: what the definition says cannot be sent */
export function createServerCredential(server: ServedServer, deps: CredentialDeps): ServerCredential {
  const { transport } = server
  // A program has its credentials in its environment.
  if (transport.kind === 'stdio') return fixedCredential([])
  const shape = new RequestShape(transport)
  const { credential } = transport
  const ownerKind = ownerKindOf(credential)
  if (isConstant(credential) && ownerKind === 'gateway' && !shape.isUsers) return constant(transport, shape)
  const scheme = createScheme(server, { credential, transport, shape }, deps)
  return new OwnedCredential({ server, ownerKind, scheme, shape }, deps)
}

function constant({ credential }: RemoteTransport, shape: RequestShape): ServerCredential {
  const presented = headersOf(toStaticCredential(credential))
  const filled = shape.with({})
  // Without users' variables none is missing: the schema wants a value of each that is everybody's.
  if ('missing' in filled) throw new GatewayError('config_invalid', { details: { path: 'transport.variables' } })
  return fixedCredential(mergeHeaders(filled.headers, presented), shape.hasVariablePath ? filled.path : undefined)
}

type Kinds = Definition['kind']
const constantKinds: ReadonlySet<Kinds> = new Set<Kinds>([
  'none',
  'bearer',
  'api_key',
  'basic',
  'authorization',
  'token',
])

function isConstant({ kind }: Definition): boolean {
  return constantKinds.has(kind)
}

function ownerKindOf(credential: Definition): CredentialOwner['kind'] {
  if (credential.kind === 'oauth2_token_exchange') return 'user'
  return 'owner' in credential ? credential.owner : 'gateway'
}

type Served = { credential: Definition; transport: RemoteTransport; shape: RequestShape }

function createScheme(
  server: ServedServer,
  { credential, transport: { url }, shape }: Served,
  deps: CredentialDeps,
): Scheme {
  switch (credential.kind) {
    case 'oauth2_client_credentials':
      return new ClientScheme(credential, { server, url }, deps)
    case 'oauth2_authorization_code':
      return new GrantScheme(credential, server, deps)
    case 'oauth2_token_exchange':
      return new ExchangeScheme(credential, server, deps)
    case 'aws_sigv4':
      return new AwsScheme(credential, { server, host: shape.host }, deps)
    case 'none':
      return new FixedScheme(credential, server, deps)
    default:
      return isGiven(credential) ? new FixedScheme(credential, server, deps) : new KeyScheme(credential, server, deps)
  }
}

function isGiven({ owner }: KeyCredential): boolean {
  return owner === 'gateway'
}
