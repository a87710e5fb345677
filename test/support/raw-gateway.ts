/** A whole gateway within the test's own process, so that a test can read its counters, its audit events and its troubles. */
import { createMemoryAuditLog } from '#adapters/memory/audit-log.ts'
import { hashToken } from '#adapters/crypto/token-mint.ts'
import { randomId } from '#adapters/crypto/random-id.ts'
import { operatorEgress } from '#compose/egress.ts'
import { createEngine } from '#compose/engine.ts'
import type { SharedState } from '#compose/shared-state.ts'
import type { GatewayError } from '#contract/errors.ts'
import { Limits } from '#contract/limits.ts'
import { Policy } from '#contract/policy.ts'
import { Server, type ResolvedServer } from '#contract/server.ts'
import type { AuditEvent } from '#core/audit/audit-event.ts'
import { Principals } from '#core/identity/principals.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import { ResourceSnapshot } from '#core/resources/snapshot.ts'
import type { Gateway } from '#gateway/gateway.ts'
import { createGuardOptions } from '#http/guards.ts'
import { listen, type HttpServer } from '#http/server.ts'
import { look, lookAtTrouble } from './planted.ts'
import { withPlant } from './planted/definitions.ts'
import { resource } from './resources.ts'
import { gatewayCredentials } from './leases.ts'

/** `tg_` and 40 characters of `name`. */
export const rawToken = (name: string): string => `tg_${name.repeat(40).slice(0, 40)}`

export type RawGatewayOptions = {
  /** Definitions as in the configuration; `isolation` may be left out. */
  servers: readonly Record<string, unknown>[]
  limits?: Record<string, unknown>
  policies?: readonly Record<string, unknown>[]
  /** Token name → names of its policies; by default `a` and `b`, who may everything. */
  tokens?: Readonly<Record<string, readonly string[]>>
  /** Token name → Unix time in milliseconds. */
  expiries?: Readonly<Record<string, number>>
  /** Token name → what else its resource says; references are ids (see resources.ts). Its owner is the user `owner`, unless it says another. */
  tokenSpecs?: Readonly<Record<string, object>>
  /** Who is internal, and who may say so. */
  listen?: { trustedProxies?: readonly string[]; internalRanges?: readonly string[] }
  /** Organizations, teams, users, toolsets and projects. */
  resources?: readonly Resource[]
  /** Of the replicas that it is one of. */
  shared?: SharedState
}

export type Trouble = { server: string; code: string; text: string }

export type RawGateway = AsyncDisposable & {
  engine: Gateway
  http: HttpServer
  port: number
  url: string
  troubles: Trouble[]
  /** Defects: what the gateway did not expect of itself. Each is a bug. */
  defects: unknown[]
  /** The newest first. */
  audit(): Promise<AuditEvent[]>
}

export async function startRawGateway(options: RawGatewayOptions): Promise<RawGateway> {
  const limits = Limits.parse(options.limits ?? {})
  const log = createMemoryAuditLog({ ringMax: 10_000 })
  const troubles: Trouble[] = []
  const defects: unknown[] = []
  const engine = createEngine({
    credentialOf: gatewayCredentials().of,
    limits,
    separator: '__',
    audit: log,
    egress: () => operatorEgress,
    ...(options.shared ? { shared: options.shared } : {}),
    onTrouble: (server, error, diagnosis) => {
      lookAtTrouble(error, server, diagnosis)
      troubles.push({ server, code: error.code, text: troubleText(error, diagnosis) })
    },
  })
  engine.apply(toSnapshot(options))
  const http = await listen({
    gateway: engine,
    limits,
    randomId,
    now: Date.now,
    onError: (error) => {
      lookAtTrouble(error)
      defects.push(error)
    },
    guards: () => createGuardOptions({ host: '127.0.0.1', allowedHosts: [], allowedOrigins: [], ...options.listen }),
    host: '127.0.0.1',
    port: 0,
  })
  return {
    engine,
    http,
    port: http.port,
    url: `http://127.0.0.1:${http.port}`,
    troubles,
    defects,
    audit: () => log.list({ limit: 10_000 }),
    async [Symbol.asyncDispose]() {
      await http.close(0)
      await engine.close()
      look('audit', JSON.stringify(await log.list({ limit: 10_000 })))
    },
  }
}

/** What a log line could hold of a trouble: everything but what its writer leaves out. */
function troubleText(error: GatewayError, diagnosis: string): string {
  return [error.message, JSON.stringify(error.details), String(error.stack), String(error.cause), diagnosis].join('\n')
}

export function toSnapshot(options: RawGatewayOptions) {
  const servers = options.servers.map((server) =>
    Server.parse({ isolation: 'principal', timeoutMs: 2_000, ...withPlant(server) }),
  )
  const snapshot = new ResourceSnapshot()
  const changed = [...toResources(options), ...servers.map(toServerResource), ...(options.resources ?? [])]
  snapshot.apply({ changed, deleted: [], isWhole: true })
  return {
    // No test names a secret here, and the engine must bear what cannot be served.
    servers: servers.map((server) => ({ ...(server as ResolvedServer), id: `srv_${server.name}` })),
    identities: new Principals(snapshot, { hash: hashToken }),
  }
}

function toResources({ policies = [], tokens, expiries = {}, tokenSpecs = {} }: RawGatewayOptions): Resource[] {
  const everything = { name: 'everything', default: 'execute' }
  const given = tokens ?? { a: ['everything'], b: ['everything'] }
  return [
    // Who may give every policy to its tokens.
    resource('user', 'owner', { role: 'admin' }),
    ...[everything, ...policies].map((policy) => {
      const { name, ...spec } = Policy.parse(policy)
      return resource('policy', name, spec)
    }),
    ...Object.entries(given).map(([name, names]) =>
      resource('token', name, {
        owner: { kind: 'user', ref: 'usr_owner' },
        digest: hashToken(rawToken(name)),
        policies: names.map((policy) => `pol_${policy}`),
        expiresAt: expiries[name] ?? null,
        ...tokenSpecs[name],
      }),
    ),
  ]
}

function toServerResource({ name, ...spec }: Server): Resource<'server'> {
  return { ...resource('server', name), spec }
}
