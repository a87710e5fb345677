/** The one document `toolgate.yaml`, key by key. What one key means for another is in cross-checks.ts. */
import { z } from 'zod'
import { AddressRange, usualInternalRanges } from '#contract/address-range.ts'
import { Limits } from '#contract/limits.ts'
import { Policy } from '#contract/policy.ts'
import { ResourceName } from '#contract/resource.ts'
import { Secret } from '#contract/secret.ts'
import { ServerName } from '#contract/server.ts'
import { ServerDefinition } from './server-definition.ts'
import { PostgresAddress, RedisAddress } from './store-address.ts'
import { isTokenText, tokenTextRule } from './token-text.ts'
import { VaultConfig } from './vault.ts'

const Host = z.string().regex(/^[^\s/@?#]{1,255}$/, 'must be a host name or an address, without scheme and path')
const Origin = z
  .string()
  .regex(/^[a-z][a-z0-9+.-]*:\/\/[^\s/@?#]{1,255}$/i, 'must be an origin: scheme, host and port, without a path')
const PublicUrl = z
  .url({ protocol: /^https?$/ })
  .refine(isBareUrl, 'must not contain a user name, a password, a query or a fragment')

function isBareUrl(text: string): boolean {
  if (!URL.canParse(text)) return true
  const { username, password, search, hash } = new URL(text)
  return [username, password, search, hash].every((part) => part === '')
}

const Listen = z.strictObject({
  host: Host.default('127.0.0.1').describe('The address to listen on. `0.0.0.0` or `::` opens it to the network.'),
  port: z.int().min(0).max(65_535).default(4180).describe('The TCP port; 0: any free one.'),
  publicUrl: PublicUrl.optional().describe(
    'How clients reach the gateway, where that is not host and port: behind a proxy, for example.',
  ),
  allowedHosts: z
    .array(Host)
    .default([])
    .describe('More values of the Host header to accept, such as `mcp.example.com` or `mcp.example.com:8443`.'),
  allowedOrigins: z
    .array(Origin)
    .default([])
    .describe('More values of the Origin header to accept, such as `https://app.example.com`.'),
  trustedProxies: z
    .array(AddressRange)
    .default([])
    .describe('Addresses of proxies whose `X-Forwarded-For` is believed, such as `10.0.0.5` or `10.0.0.0/24`.'),
  internalRanges: z
    .array(AddressRange)
    .default([...usualInternalRanges])
    .describe('Addresses of clients for whom servers with `visibility: internal` are there.'),
})

const Storage = z.strictObject({
  path: z
    .string()
    .min(1)
    .regex(/^[^\0]*$/, 'must not contain a NUL character')
    .optional()
    .describe('The folder for data; relative to this file. Default: `.toolgate` beside this file.'),
  postgres: PostgresAddress.optional().describe(
    'Several gateways share this PostgreSQL instead of each having a file: `postgres://user:password@host/database`. Best written as `${NAME}`. Needs TOOLGATE_SECRET_KEY, the same for all.',
  ),
  redis: RedisAddress.optional().describe(
    'What several gateways tell each other goes through this Redis or Valkey: changes, sessions, limits. `redis://host:6379`, `rediss://` with TLS.',
  ),
})

const Audit = z.strictObject({
  retentionDays: z
    .int()
    .min(0)
    .max(36_500)
    .default(90)
    .describe('Audit events older than this are removed; 0: they are kept for ever.'),
  payloads: z
    .enum(['none', 'redacted'])
    .default('none')
    .describe(
      'Whether events hold arguments and results: `redacted`, without what is secret or looks like it, up to `limits.auditPayloadBytesMax`.',
    ),
})

const Egress = z.strictObject({
  allow: z
    .array(AddressRange)
    .default([])
    .describe(
      'Loopback and private addresses that servers of the management API may have, such as `10.2.0.0/16`. Servers of this file may have any of these. Link-local and metadata addresses stay closed to all.',
    ),
})

const Naming = z.strictObject({
  separator: z
    .enum(['__', '-', '.'])
    .default('__')
    .describe('Stands between server and tool where several servers are served together. No server may contain it.'),
})

const ConfiguredToken = z.strictObject({
  name: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9 ._@-]{0,99}$/,
      'use letters, digits, spaces and ._@-, starting with a letter or digit, at most 100 characters',
    )
    .describe('For people, and for the audit log. Each name once.'),
  secret: z
    .string()
    .refine(isTokenText, tokenTextRule)
    .optional()
    .describe(
      'The token itself: `tg_` and 32 to 200 letters, digits, _ or -. Only its hash is kept. Best written as `${NAME}`.',
    ),
  hash: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/i, 'must be "sha256:" and 64 hexadecimal digits')
    .optional()
    .describe('`sha256:` and the SHA-256 of the whole token in hexadecimal. Either this or `secret`.'),
  policies: z.array(z.string().min(1)).default([]).describe('Names of policies. None: the token may do nothing.'),
  expiresAt: z
    .string()
    .refine(
      isInstant,
      'must be a date such as 2027-01-31, or a date and time with its zone such as 2027-01-31T12:00:00Z',
    )
    .optional()
    .describe('ISO 8601: a date (its first moment, UTC), or a date and time with a zone. Default: never.'),
})
export type ConfiguredToken = z.output<typeof ConfiguredToken>

function isInstant(text: string): boolean {
  return z.iso.date().safeParse(text).success || z.iso.datetime({ offset: true }).safeParse(text).success
}

export const ConfigDocument = z
  .strictObject({
    listen: Listen.prefault({}).describe('Where the gateway is reached.'),
    storage: Storage.prefault({}).describe('Where data lies.'),
    vault: VaultConfig.prefault({ kind: 'local' }).describe(
      'What holds the master key of stored secrets. `local`: TOOLGATE_SECRET_KEY, or the file `secret.key` beside the data. `transit`: the transit engine of a HashiCorp Vault or OpenBao; TOOLGATE_SECRET_KEY, or the file, still signs what clients bring back. See [the vault](../operations/vault.md).',
    ),
    audit: Audit.prefault({}).describe('What is recorded.'),
    egress: Egress.prefault({}).describe('Where the gateway connects to.'),
    naming: Naming.prefault({}).describe('How tools are named where several servers are served together.'),
    limits: Limits.prefault({}).describe('What is too much, too deep, or too long.'),
    servers: z
      .record(ServerName, ServerDefinition)
      .default({})
      .describe(
        'The MCP servers by name. A name is a-z, 0-9, _ and -, starts with a letter or digit, and has at most 40 characters.',
      ),
    secrets: z
      .record(ResourceName, Secret.shape.value)
      .default({})
      .describe('Secret texts by name, for `{ secretRef: name }`. Best written as `${NAME}`.'),
    tokens: z.array(ConfiguredToken).default([]).describe('Who may come in.'),
    policies: z
      .record(Policy.shape.name, Policy.omit({ name: true }))
      .default({})
      .describe(
        'Who may call what, by name. Any deny wins, else the most specific rule, else the default. Names must not start with `toolgate-`.',
      ),
  })
  .meta({ id: 'ConfigDocument', description: 'The document `toolgate.yaml`.' })
export type ConfigDocument = z.output<typeof ConfigDocument>
