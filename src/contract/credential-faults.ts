/** What the parts of a credential mean for each other, and for the transport that it stands in. */
import { isTransportHeader } from './header-text.ts'
import { isOpenRecord, transportOf, type OpenRecord, type ServerFault } from './server-fault.ts'

const isRequired = 'is required: text'

/** The parts of a credential's value, which are given here where it is the gateway's own, and nowhere else. */
const valueParts: Readonly<Record<string, readonly string[]>> = {
  bearer: ['token'],
  api_key: ['key'],
  basic: ['username', 'password'],
  authorization: ['value'],
  token: ['token'],
}

export function credentialFaults(transport: OpenRecord): ServerFault[] {
  const { credential } = transport
  if (!isOpenRecord(credential) || typeof credential['kind'] !== 'string') return []
  return [
    ...valueFaults(credential, credential['kind']),
    ...headerOfCredentialFaults(transport, credential),
    ...oauthFaults(credential),
    ...(credential['kind'] === 'aws_sigv4' ? awsFaults(transport, credential) : []),
  ].map(({ keys, ...fault }) => ({ keys: ['credential', ...keys], ...fault }))
}

function valueFaults(credential: OpenRecord, kind: string): ServerFault[] {
  const parts = valueParts[kind] ?? []
  const { owner = 'gateway' } = credential
  if (owner === 'gateway')
    return [
      ...parts.filter((part) => credential[part] === undefined).map((part) => ({ keys: [part], message: isRequired })),
      ...schemeFaults(credential, kind),
    ]
  const message = 'is given by each owner, not here'
  return parts
    .filter((part) => credential[part] !== undefined)
    .map((part) => ({ keys: [part], message, isAboutKey: true }))
}

/** Such a token has no spaces (RFC 6750 §2.1): whoever wrote the whole header meant what stands behind the word. */
function schemeFaults({ token }: OpenRecord, kind: string): ServerFault[] {
  const isWhole = kind === 'bearer' && typeof token === 'string' && /^bearer /i.test(token)
  return isWhole ? [{ keys: ['token'], message: 'must be the token alone: "Bearer" is put before it' }] : []
}

function headerOfCredentialFaults(transport: OpenRecord, { header }: OpenRecord): ServerFault[] {
  if (typeof header !== 'string') return []
  const lower = header.toLowerCase()
  if (isTransportHeader(lower)) return [{ keys: ['header'], message: 'is written by the gateway itself' }]
  const isTwice = lower === 'cookie' && transport['cookies'] !== undefined
  return isTwice ? [{ keys: ['header'], message: 'cannot be set together with "cookies"; keep one of the two' }] : []
}

function oauthFaults(credential: OpenRecord): ServerFault[] {
  const { kind, subject } = credential
  if (kind === 'oauth2_authorization_code') return [...clientFaults(credential), ...endpointFaults(credential)]
  if (kind === 'oauth2_token_exchange') {
    const inner = isOpenRecord(subject) ? [...clientFaults(subject), ...endpointFaults(subject)] : []
    const below = inner.map(({ keys, ...fault }) => ({ keys: ['subject', ...keys], ...fault }))
    return [...clientFaults({ authMethod: 'client_secret_post', ...credential }), ...sourceFaults(credential), ...below]
  }
  if (kind !== 'oauth2_client_credentials') return []
  return [
    ...clientFaults({ authMethod: 'client_secret_post', ...credential }),
    ...sourceFaults(credential),
    ...parameterFaults(credential),
  ]
}

/** What the client says who it is with must be there, and what it does not use must not. */
function clientFaults(client: OpenRecord): ServerFault[] {
  const { authMethod, clientId, clientSecret } = client
  const { required, unused } = authParts(authMethod)
  return [
    ...required.filter((part) => client[part] === undefined).map((part) => ({ keys: [part], message: isRequired })),
    ...unused
      .filter((part) => client[part] !== undefined)
      .map((part) => aboutKey(part, 'is not used with this "authMethod"')),
    ...(clientId === undefined && clientSecret !== undefined ? [aboutKey('clientSecret', 'needs "clientId"')] : []),
  ]
}

function authParts(authMethod: unknown): { required: string[]; unused: string[] } {
  const keyParts = ['privateKey', 'privateKeyId']
  switch (authMethod) {
    case 'private_key_jwt':
      return { required: ['privateKey'], unused: ['clientSecret'] }
    case 'client_secret_post':
    case 'client_secret_basic':
      return { required: ['clientSecret'], unused: keyParts }
    case 'none':
      return { required: [], unused: ['clientSecret', ...keyParts] }
    default:
      return { required: [], unused: [] }
  }
}

function sourceFaults({ tokenUrl, issuer }: OpenRecord): ServerFault[] {
  const isTwice = tokenUrl !== undefined && issuer !== undefined
  return isTwice ? [aboutKey('tokenUrl', 'excludes "issuer": the endpoints are either looked up or given')] : []
}

/** Without who issues them, answers of an authorization server cannot be told from those of another (RFC 9207). */
function endpointFaults({ issuer, authorizationUrl, tokenUrl, registrationUrl }: OpenRecord): ServerFault[] {
  const given = Object.entries({ authorizationUrl, tokenUrl, registrationUrl }).filter(([, url]) => url !== undefined)
  if (given.length === 0) return []
  if (issuer === undefined) return given.map(([key]) => aboutKey(key, 'needs "issuer"'))
  if ((authorizationUrl === undefined) === (tokenUrl === undefined)) return []
  return [{ keys: [], message: 'needs "authorizationUrl" and "tokenUrl", or neither' }]
}

/** The gateway's own fields of a token request. */
const ownParameters = new Set([
  'grant_type',
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
  'scope',
  'resource',
  'audience',
])

function parameterFaults({ extraParameters }: OpenRecord): ServerFault[] {
  const names = isOpenRecord(extraParameters) ? Object.keys(extraParameters) : []
  return names
    .filter((name) => ownParameters.has(name))
    .map((name) => ({ keys: ['extraParameters', name], message: 'is written by the gateway itself', isAboutKey: true }))
}

function awsFaults(transport: OpenRecord, credential: OpenRecord): ServerFault[] {
  const { accessKeyId, secretAccessKey, sessionToken, roleArn, roleSessionName, externalId } = credential
  const roleParts = Object.entries({ roleSessionName, externalId }).filter(([, part]) => part !== undefined)
  return [
    ...(accessKeyId !== undefined && secretAccessKey === undefined
      ? [{ keys: ['secretAccessKey'], message: isRequired }]
      : []),
    ...(accessKeyId === undefined && secretAccessKey !== undefined
      ? [{ keys: ['accessKeyId'], message: isRequired }]
      : []),
    ...(sessionToken !== undefined && accessKeyId === undefined
      ? [aboutKey('sessionToken', 'needs "accessKeyId"')]
      : []),
    ...(roleArn === undefined ? roleParts.map(([key]) => aboutKey(key, 'needs "roleArn"')) : []),
    ...(canSign(transport) ? [] : [{ keys: ['kind'], message: 'signs single requests: only for streamable HTTP' }]),
  ]
}

function canSign(transport: OpenRecord): boolean {
  const kind = transportOf(transport)
  return kind === 'streamable_http' || kind === 'http'
}

/** @returns the header that the credential fills, in lower case. A signature is one as well. */
export function credentialHeader({ credential }: OpenRecord): string | null {
  if (!isOpenRecord(credential) || typeof credential['kind'] !== 'string' || credential['kind'] === 'none') return null
  if (typeof credential['header'] === 'string') return credential['header'].toLowerCase()
  return credential['kind'] === 'api_key' ? 'x-api-key' : 'authorization'
}

function aboutKey(key: string, message: string): ServerFault {
  return { keys: [key], message, isAboutKey: true }
}
