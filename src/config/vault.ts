/** What holds the master key, under which the data keys in the database are wrapped. */
import { z } from 'zod'

const File = z
  .string()
  .min(1)
  .regex(/^[^\0]*$/, 'must not contain a NUL character')
/** As parts of a path of the HTTP API. */
const Mount = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,100}(?:\/[A-Za-z0-9_-]{1,100}){0,4}$/, 'must be a path such as transit or team/transit')
const KeyName = z.string().regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,98}[A-Za-z0-9_-]$|^[A-Za-z0-9_-]$/, 'must be a name')

const Login = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('token'),
    tokenFile: File.optional().describe(
      'A file that holds the token, such as the sink of an agent; it is read each time. Default: the variable VAULT_TOKEN.',
    ),
  }),
  z.strictObject({
    kind: z.literal('approle'),
    mount: Mount.default('approle').describe('Where AppRole is mounted.'),
    roleId: z.string().min(1).max(256).describe('The id of the role. It is no secret.'),
    secretIdFile: File.describe('A file that holds the secret id; it is read each time.'),
  }),
  z.strictObject({
    kind: z.literal('kubernetes'),
    mount: Mount.default('kubernetes').describe('Where the Kubernetes method is mounted.'),
    role: z.string().min(1).max(256).describe('The name of the role.'),
    tokenFile: File.default('/var/run/secrets/kubernetes.io/serviceaccount/token').describe(
      'The service account’s token.',
    ),
  }),
])

const Transit = z.strictObject({
  kind: z.literal('transit'),
  address: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('The address of the HashiCorp Vault or OpenBao. Default: the variable VAULT_ADDR.'),
  mount: Mount.default('transit').describe('Where the transit engine is mounted.'),
  key: KeyName.describe('The name of the key. It is never created from here.'),
  isDerived: z
    .boolean()
    .default(false)
    .describe('The key was created with `derived`: each request then says what it is for.'),
  namespace: z.string().min(1).max(256).optional().describe('Default: the variable VAULT_NAMESPACE, or none.'),
  ca: File.optional().describe(
    'A PEM file with the certificates to trust. Default: the variable VAULT_CACERT, or those of Node.',
  ),
  login: Login.default({ kind: 'token' }).describe('How the gateway signs in there.'),
})
export type TransitConfig = z.output<typeof Transit>

const Local = z.strictObject({
  kind: z.literal('local'),
  previous: Transit.optional().describe(
    'For the way back: the `transit` form, with the key under which the data keys are wrapped still. After one start it can go.',
  ),
})

export const VaultConfig = z.discriminatedUnion('kind', [Local, Transit])
export type VaultConfig = z.output<typeof VaultConfig>

/** @param absolute makes a path of the document one of the machine */
export function withAbsoluteFiles(vault: VaultConfig, absolute: (path: string) => string): VaultConfig {
  if (vault.kind === 'transit') return transitFiles(vault, absolute)
  return vault.previous === undefined ? vault : { ...vault, previous: transitFiles(vault.previous, absolute) }
}

function transitFiles(transit: TransitConfig, absolute: (path: string) => string): TransitConfig {
  const { ca, login } = transit
  return { ...transit, ...(ca !== undefined && { ca: absolute(ca) }), login: loginFiles(login, absolute) }
}

function loginFiles(login: TransitConfig['login'], absolute: (path: string) => string): TransitConfig['login'] {
  if (login.kind === 'approle') return { ...login, secretIdFile: absolute(login.secretIdFile) }
  return login.tokenFile === undefined ? login : { ...login, tokenFile: absolute(login.tokenFile) }
}
