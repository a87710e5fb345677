/**
 * Keys of AWS by the chain of AWS's own SDK: environment, shared files with profiles, web identity, container, instance metadata (version 2 only).
 * The SDK is loaded when keys are asked for that are not in the definition, so a gateway without such servers never has it in memory.
 */
import type { fromNodeProviderChain, fromTemporaryCredentials } from '@aws-sdk/credential-providers'
import { GatewayError } from '#contract/errors.ts'
import type { AwsCredentialDefinition, AwsCredentials, AwsCredentialSource } from '#core/credential/aws-credentials.ts'

export type AwsCredentialSourceOptions = {
  /** For all of it, tries and all. Default: 30,000. */
  timeoutMs?: number
}

const connectionTimeoutMs = 3_000
const requestTimeoutMs = 10_000
const attemptsMax = 2

export function createAwsCredentialSource({
  timeoutMs = 30_000,
}: AwsCredentialSourceOptions = {}): AwsCredentialSource {
  return {
    async get(definition) {
      const given = givenKeys(definition)
      if (given !== null && definition.roleArn === undefined) return toCredentials(given)
      return within(timeoutMs, askSdk(definition, given))
    },
  }
}

const halfOfKeys = 'keys of AWS are accessKeyId and secretAccessKey together'

/** Half of what is needed is a mistake: who meant these keys does not mean whatever else is there. */
function givenKeys(definition: AwsCredentialDefinition): Identity | null {
  const { accessKeyId, secretAccessKey, sessionToken } = definition
  if (accessKeyId === undefined && secretAccessKey === undefined && sessionToken === undefined) return null
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new GatewayError('config_invalid', { details: { reason: halfOfKeys } })
  return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) }
}

type Sdk = {
  fromNodeProviderChain: typeof fromNodeProviderChain
  fromTemporaryCredentials: typeof fromTemporaryCredentials
}
/** What the SDK calls keys. */
type Identity = { accessKeyId: string; secretAccessKey: string; sessionToken?: string; expiration?: Date }
type Provider = () => Promise<Identity>

async function askSdk(definition: AwsCredentialDefinition, given: Identity | null): Promise<AwsCredentials> {
  const sdk = await import('@aws-sdk/credential-providers')
  const base = given ?? (await ask(defaultChain(sdk, definition.region), () => 'no_aws_credentials'))
  const { roleArn } = definition
  if (roleArn === undefined) return toCredentials(base)
  const assume = roleProvider(sdk, { ...definition, roleArn }, base)
  return toCredentials(await ask(assume, (error) => (isAnswer(error) ? 'aws_role_refused' : 'aws_unreachable')))
}

function clientConfig(region: string) {
  const requestHandler = { connectionTimeout: connectionTimeoutMs, requestTimeout: requestTimeoutMs }
  return { region, maxAttempts: attemptsMax, requestHandler }
}

/** A new chain each time, and files are read anew: who changes keys need not restart the gateway. */
function defaultChain({ fromNodeProviderChain }: Sdk, region: string): Provider {
  return fromNodeProviderChain({
    clientConfig: clientConfig(region),
    ignoreCache: true,
    ec2MetadataV1Disabled: true,
    maxRetries: attemptsMax - 1,
    logger,
  })
}

function roleProvider(
  { fromTemporaryCredentials }: Sdk,
  { region, roleArn, roleSessionName = 'toolgate', externalId }: AwsCredentialDefinition & { roleArn: string },
  masterCredentials: Identity,
): Provider {
  return fromTemporaryCredentials({
    params: {
      RoleArn: roleArn,
      RoleSessionName: roleSessionName,
      ...(externalId !== undefined && { ExternalId: externalId }),
    },
    masterCredentials,
    clientConfig: clientConfig(region),
    logger,
  })
}

/** The SDK writes its warnings to the console, unless somebody else takes them. */
const logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }

/** What AWS and the SDK say can hold names of roles and accounts: it becomes a word of ours. */
async function ask(provider: Provider, reasonOf: (error: unknown) => string): Promise<Identity> {
  try {
    return await provider()
  } catch (error) {
    throw unavailable(reasonOf(error))
  }
}

/** Somebody at AWS has said no. */
function isAnswer(error: unknown): boolean {
  const metadata: unknown = error instanceof Error && '$metadata' in error ? error.$metadata : null
  return (
    typeof metadata === 'object' &&
    metadata !== null &&
    'httpStatusCode' in metadata &&
    metadata.httpStatusCode !== undefined
  )
}

function unavailable(reason: string): GatewayError {
  return new GatewayError('credential_unavailable', { details: { reason } })
}

function toCredentials({ accessKeyId, secretAccessKey, sessionToken, expiration }: Identity): AwsCredentials {
  return { accessKeyId, secretAccessKey, sessionToken: sessionToken ?? null, expiresAt: expiration?.getTime() ?? null }
}

async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(unavailable('aws_unreachable')), timeoutMs)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
