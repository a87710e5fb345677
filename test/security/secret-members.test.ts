/** Every member of a definition that can be a secret, found in the schema: none of them is shown, and each is found again by what hides secrets in records. */
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { explainConfig } from '#config/explain.ts'
import { loadConfig } from '#config/load.ts'
import type { CredentialEntry } from '#contract/credential.ts'
import { Server } from '#contract/server.ts'
import { Transport } from '#contract/transport.ts'
import { hideSecrets, keepSecrets } from '#control/server-secrets.ts'
import { createRedaction } from '#core/audit/redaction.ts'
import { secretValuesOf } from '#core/credential/secret-values.ts'

let planted = 0
/** Each time another one, that nothing tells to be a secret. */
const canary = (): string => `canary-${++planted}-of-ours`
const pem = (): string => `-----BEGIN PRIVATE KEY-----\n${canary()}\n-----END PRIVATE KEY-----\n`

const url = 'https://a.example/mcp'
const as = 'https://as.example/token'
const jwtClient = () => ({ clientId: 'me', authMethod: 'private_key_jwt', privateKey: pem() }) as const

/** Together they have every member. */
const credentials: CredentialEntry[] = [
  { kind: 'none' },
  { kind: 'bearer', token: canary(), helpUrl: 'https://help.example/' },
  { kind: 'api_key', key: canary(), header: 'x-key' },
  { kind: 'basic', username: 'me', password: canary() },
  { kind: 'authorization', value: `Custom ${canary()}` },
  { kind: 'token', token: canary() },
  {
    kind: 'oauth2_client_credentials',
    tokenUrl: `${as}?key=${canary()}`,
    clientId: 'me',
    clientSecret: canary(),
    extraParameters: { password: canary(), secretRef: canary() },
  },
  { kind: 'oauth2_client_credentials', ...jwtClient() },
  { kind: 'oauth2_authorization_code', clientId: 'me', clientSecret: canary() },
  { kind: 'oauth2_authorization_code', ...jwtClient() },
  {
    kind: 'oauth2_token_exchange',
    clientId: 'me',
    clientSecret: canary(),
    subject: { issuer: 'https://idp.example', clientId: 'me', clientSecret: canary() },
  },
  { kind: 'oauth2_token_exchange', ...jwtClient(), subject: { issuer: 'https://idp.example', ...jwtClient() } },
  {
    kind: 'aws_sigv4',
    region: 'eu-central-1',
    accessKeyId: canary(),
    secretAccessKey: canary(),
    sessionToken: canary(),
    roleArn: 'arn:aws:iam::1:role/x',
    externalId: canary(),
  },
]
const definitions: object[] = [
  ...credentials.map((credential) => ({ url, credential })),
  { url: `${url}?key=${canary()}` },
  { url, headers: { 'x-a': canary(), secretRef: canary() } },
  { url, variables: [{ name: 'A', scope: 'global', value: canary() }] },
  {
    url,
    tls: {
      certificate: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
      key: pem(),
      passphrase: canary(),
    },
  },
  { command: 'x', env: { A: canary(), secretRef: canary() } },
]
const toTransport = (definition: object) => ({ kind: 'url' in definition ? 'streamable_http' : 'stdio', ...definition })
const servers = definitions.map((definition) =>
  Server.parse({ name: 'a', isolation: 'shared', transport: toTransport(definition) }),
)
const canariesIn = (value: unknown): string[] => JSON.stringify(value).match(/canary-\d+-of-ours/g) ?? []
const cases = servers.map((server, index) => [index, server] as const)

/** Where the schema takes the name of a secret, as `credential.token`; items of lists and maps as `*`. */
function secretPaths(schema: unknown, path: string[], found = new Set<string>()): Set<string> {
  const { $ref, anyOf, oneOf, properties, items, additionalProperties } = Object(schema) as Record<string, unknown>
  if (Array.isArray(anyOf) && anyOf.some((one) => Object(one).$ref === '#/$defs/SecretRef')) found.add(path.join('.'))
  if (typeof $ref === 'string' && !$ref.endsWith('/SecretRef'))
    secretPaths(defs[$ref.replace('#/$defs/', '')], path, found)
  for (const option of [anyOf, oneOf].flat()) if (option !== undefined) secretPaths(option, path, found)
  for (const [key, member] of Object.entries(Object(properties))) secretPaths(member, [...path, key], found)
  for (const each of [items, additionalProperties]) if (each) secretPaths(each, [...path, '*'], found)
  return found
}
const whole = z.toJSONSchema(Transport, { io: 'input' })
const defs: Record<string, unknown> = whole.$defs ?? {}

function has(value: unknown, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) return typeof value === 'string' && value.includes('canary-')
  const members = Object(value) as Record<string, unknown>
  return key === '*' ? Object.values(members).some((one) => has(one, rest)) : has(members[key], rest)
}

describe('every secret member of a definition', () => {
  it('is planted here', () => {
    const paths = [...secretPaths(whole, [])]
    expect(paths.length).toBeGreaterThanOrEqual(20)
    // A certificate is public: it may be kept with its key, and is shown.
    const shown = ['tls.certificate', 'tls.ca']
    const missing = paths.filter((path) => !servers.some(({ transport }) => has(transport, path.split('.'))))
    expect(missing.toSorted()).toEqual(shown.toSorted())
  })

  it.each(cases)('is in no view (%s)', (_index, server) => {
    for (const isEditor of [true, false]) expect(canariesIn(hideSecrets(server, { isEditor }))).toEqual([])
  })

  it.each(cases)('stays as it was where the view comes back (%s)', (_index, server) => {
    const shown = hideSecrets(server, { isEditor: true })
    expect(keepSecrets(shown, server)).toEqual({ spec: server, problems: [] })
  })

  it.each(cases)('is found again in no record (%s)', (_index, server) => {
    const redact = createRedaction({ bytesMax: 100_000, secrets: () => secretValuesOf(server) })
    const texts = canariesIn(server).map((one) => secretValuesOf(server).find((text) => text.includes(one)))
    expect(texts).not.toContain(undefined)
    expect(canariesIn(redact({ texts }))).toEqual([])
  })
})

describe('every secret member of a configuration', () => {
  it.each(definitions.map((definition, index) => [index, definition] as const))(
    'is never printed (%s)',
    (_, definition) => {
      const document = { secrets: { kept: canary() }, servers: { a: definition } }
      const config = loadConfig({ path: null, text: JSON.stringify(document), env: {} })
      const printed = [
        explainConfig(config),
        JSON.stringify(config),
        inspect(config, { depth: 20 }),
        inspect(config.secrets),
      ]
      for (const { transport } of config.servers) printed.push(inspect(transport, { depth: 20 }))
      expect(canariesIn(printed)).toEqual([])
      expect(config.secrets).toMatchObject([{ name: 'kept', value: expect.stringContaining('canary-') }])
    },
  )
})
