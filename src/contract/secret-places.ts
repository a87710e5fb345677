/** Where secrets stand in a server’s definition: the one place that knows it, for what is shown and for what must be found again. */
import type { Credential, Tls } from './credential.ts'
import type { SecretText } from './secret-text.ts'
import { isOpenRecord, type OpenRecord } from './server-fault.ts'
import type { Variable } from './transport.ts'

/** What is shown in place of a secret. */
export const secretMark = '[secret]'

/** What is not known to be harmless is a secret, so a new kind of credential is safe from its first day. */
const harmless = new Set([
  'kind',
  'owner',
  'helpUrl',
  'header',
  'username',
  'clientId',
  'authMethod',
  'privateKeyId',
  'signingAlgorithm',
  'tokenUrl',
  'issuer',
  'authorizationUrl',
  'registrationUrl',
  'scopes',
  'resource',
  'audience',
  'profile',
  'requestedTokenType',
  'subjectTokenType',
  'tokenTtlMs',
  'timeoutMs',
  'region',
  'service',
  'roleArn',
  'roleSessionName',
])

/** Some services put a key into the query of an address. */
const addresses = new Set(['tokenUrl', 'authorizationUrl', 'registrationUrl'])

/** Members of a transport that can hold secrets. The address and what a program gets are shown in more than one way. */
export type SecretParts = {
  credential?: Credential | undefined
  headers?: Readonly<Record<string, SecretText>> | undefined
  variables?: readonly Variable[] | undefined
  tls?: Tls | undefined
}

/** Those that are there, as they may be shown. */
export function hideInParts({ credential, headers, variables, tls }: SecretParts) {
  return {
    ...(credential !== undefined && { credential: hideInCredential(credential) }),
    ...(headers !== undefined && { headers: hideValues(headers) }),
    ...(variables !== undefined && { variables: hideInVariables(variables) }),
    ...(tls !== undefined && { tls: hideInTls(tls) }),
  }
}

/** A copy of the same form that may be shown; names of secrets stay. */
export function hideInCredential<Part extends Credential>(credential: Part): Part {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- texts have become other texts
  return hideMembers(credential) as Part
}

function hideMembers(part: OpenRecord): OpenRecord {
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, hideMember(key, value)]))
}

function hideMember(key: string, value: unknown): unknown {
  if (addresses.has(key) && typeof value === 'string') return hideQuery(value)
  if (harmless.has(key)) return value
  if (key === 'extraParameters' && isOpenRecord(value)) return mapValues(value, hideText)
  return key === 'subject' && isOpenRecord(value) ? hideMembers(value) : hideText(value)
}

/** A text becomes the mark; a secret that is named stays named. What is neither is hidden as well. */
function hideText(value: unknown): unknown {
  const isNamed = isOpenRecord(value) && typeof value['secretRef'] === 'string'
  return isNamed || value === undefined ? value : secretMark
}

function hideQuery(url: string): string {
  const start = url.indexOf('?')
  return start < 0 ? url : `${url.slice(0, start)}?${secretMark}`
}

/** The path of an address as it was written: its variables are no secret, and stay to be read. */
export function pathOf({ pathname }: URL): string {
  return pathname.replaceAll(/\$%7B([A-Za-z_][A-Za-z0-9_]*)%7D/g, '${$1}')
}

/** Headers, and variables of an environment. */
export function hideValues(record: Readonly<Record<string, SecretText>>): Record<string, SecretText> {
  return mapValues(record, hideSecretText)
}

export function hideInTls({ key, passphrase, ...shown }: Tls): Tls {
  return {
    ...shown,
    key: hideSecretText(key),
    ...(passphrase !== undefined && { passphrase: hideSecretText(passphrase) }),
  }
}

function hideInVariables(variables: readonly Variable[]): Variable[] {
  return variables.map(({ value, ...shown }) =>
    value === undefined ? shown : { ...shown, value: hideSecretText(value) },
  )
}

function hideSecretText(text: SecretText): SecretText {
  return typeof text === 'string' ? secretMark : text
}

function mapValues<Value, Mapped>(
  record: Readonly<Record<string, Value>>,
  map: (value: Value) => Mapped,
): Record<string, Mapped> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]))
}
