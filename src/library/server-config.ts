/** A server, as programs register it. */
import type { CredentialEntry } from '#contract/credential.ts'
import { findServerFaults } from '#contract/server-faults.ts'
import { Server, type ServedServer } from '#contract/server.ts'
import { noSecrets, resolveSecrets } from '#core/credential/resolve-secrets.ts'
import { AuthConfig } from './auth-config.ts'
import { ConfigurationError } from './errors.ts'
import { findTransport, type TransportKind } from './transport-kind.ts'

export type McpServerSettings = {
  /** A kind of transport or one of its synonyms. Default: http. */
  transport?: string
  auth?: AuthConfig
  /** Sent with every request. */
  staticHeaders?: Readonly<Record<string, string>>
  /** How long a call may be silent. Default: 30 seconds. */
  timeoutMs?: number
  enabled?: boolean
  description?: string
  tags?: readonly string[]
  /** Of a program that is started (stdio). */
  args?: readonly string[]
  env?: Readonly<Record<string, string>>
  cwd?: string
}

const timeoutMsDefault = 30_000
const timeoutTotalMsDefault = 600_000
const timeoutTotalMsMax = 86_400_000

/** Every step gives a new config. What is wrong is told at the end, all of it at once. */
export class McpServerConfig {
  readonly name: string
  readonly #url: string
  readonly #settings: McpServerSettings

  /** @param url the address of the MCP endpoint; for stdio, the program */
  constructor(name: string, url: string, settings: McpServerSettings = {}) {
    this.name = name
    this.#url = url
    this.#settings = settings
  }

  withTransport(transport: string): McpServerConfig {
    return this.#with({ transport })
  }

  withAuth(auth: AuthConfig): McpServerConfig {
    return this.#with({ auth })
  }

  withHeader(name: string, value: string): McpServerConfig {
    return this.#with({ staticHeaders: { ...this.#settings.staticHeaders, [name]: value } })
  }

  withTimeout(timeoutMs: number): McpServerConfig {
    return this.#with({ timeoutMs })
  }

  withDescription(description: string): McpServerConfig {
    return this.#with({ description })
  }

  /** For stdio: what the program is started with. Its environment is this and the few variables that every child gets. */
  withCommand(command: Pick<McpServerSettings, 'args' | 'env' | 'cwd'>): McpServerConfig {
    return this.#with(command)
  }

  /** Every fault, by its path; never a value. */
  validate(): string[] {
    return this.#check().errors
  }

  /**
   * The resource that the engine registers.
   * @param defaults for what this config leaves open
   * @throws ConfigurationError that names every fault
   */
  toServer(defaults: { timeoutMs?: number } = {}): ServedServer {
    const { server, errors } = this.#check(defaults)
    if (!server || errors.length > 0) throw new ConfigurationError({ errors })
    return { ...resolveSecrets(server, noSecrets), id: server.name }
  }

  /** For logs: the address may hold a key, and headers do. */
  toJSON(): { name: string } {
    return { name: this.name }
  }

  #with(settings: McpServerSettings): McpServerConfig {
    return new McpServerConfig(this.name, this.#url, { ...this.#settings, ...settings })
  }

  #check(defaults: { timeoutMs?: number } = {}): { server: Server | undefined; errors: string[] } {
    const { transport = 'http', auth = AuthConfig.none() } = this.#settings
    const kind = findTransport(transport)
    const authFaults = auth.validate().map((fault) => `auth.${fault}`)
    const credential: CredentialEntry = authFaults.length > 0 ? { kind: 'none' } : auth.toCredential()
    const parsed = Server.safeParse(this.#toInput(kind ?? 'streamable_http', credential, defaults))
    const errors = [
      ...(kind === undefined ? ['transport: is not known'] : this.#faultsFor(kind)),
      ...authFaults,
      ...(parsed.error?.issues ?? []).map(({ path, message }) => `${toSettingPath(path)}: ${message}`),
    ]
    return { server: parsed.data, errors: errors.length > 0 || !parsed.data ? errors : faultsOfParts(parsed.data) }
  }

  #toInput(kind: TransportKind, credential: CredentialEntry, defaults: { timeoutMs?: number }): unknown {
    const { enabled, description, tags, timeoutMs = defaults.timeoutMs ?? timeoutMsDefault } = this.#settings
    const { staticHeaders: headers, args, env, cwd } = this.#settings
    const isStdio = kind === 'stdio'
    return {
      name: this.name,
      description,
      transport: isStdio ? { kind, command: this.#url, args, env, cwd } : { kind, url: this.#url, credential, headers },
      labels: tags,
      isEnabled: enabled,
      isolation: isStdio ? 'shared' : 'principal',
      timeoutMs,
      timeoutTotalMs:
        timeoutMs > timeoutTotalMsDefault ? Math.min(timeoutMs, timeoutTotalMsMax) : timeoutTotalMsDefault,
    }
  }

  /** A setting that the transport cannot use is a fault: dropped in silence, it would be missed where it matters. */
  #faultsFor(kind: TransportKind): string[] {
    const { auth, staticHeaders, args, env, cwd } = this.#settings
    if (kind !== 'stdio') {
      return Object.entries({ args, env, cwd }).flatMap(([name, value]) =>
        value === undefined ? [] : [`${name}: applies to stdio only`],
      )
    }
    return [
      ...(auth === undefined || auth.type === 'none' ? [] : ['auth: stdio has no headers; use env']),
      ...(Object.keys(staticHeaders ?? {}).length > 0 ? ['staticHeaders: stdio has no headers; use env'] : []),
    ]
  }
}

/** The engine's path, in the words of a config. */
function toSettingPath(path: readonly PropertyKey[]): string {
  const [first = '', ...rest] = path[0] === 'transport' ? path.slice(1) : path
  return [settingNames[String(first)] ?? first, ...rest].map(String).join('.')
}

const settingNames: Readonly<Record<string, string>> = {
  command: 'url',
  credential: 'auth',
  headers: 'staticHeaders',
  labels: 'tags',
  isEnabled: 'enabled',
}

function faultsOfParts({ transport }: Server): string[] {
  return findServerFaults(transport).map(({ keys, message }) => `${toSettingPath(keys)}: ${message}`)
}
