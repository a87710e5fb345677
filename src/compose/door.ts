/** What is reached over HTTP: calls, the broker, the management API, the pages of connections. */
import type { IncomingMessage } from 'node:http'
import { randomId } from '#adapters/crypto/random-id.ts'
import type { LoadedConfig } from '#config/loaded-config.ts'
import type { AuditRecorder } from '#core/audit/audit-recorder.ts'
import type { Broker } from '#gateway/broker.ts'
import type { Gateway } from '#gateway/gateway.ts'
import { recordRefusal } from '#gateway/record.ts'
import { toCountedAddress } from '#http/client-ranges.ts'
import { createGuardOptions } from '#http/guards.ts'
import { listen } from '#http/server.ts'
import { addressOf } from './address.ts'
import type { AgentSessions } from './agent-sessions.ts'
import { createConnections, type ConnectionsOptions } from './connections.ts'
import { describeError } from './describe-error.ts'
import type { Foundation, Opening } from './foundation.ts'
import { createManagement, type ManagementOptions } from './management.ts'
import { version } from './version.ts'

export type Door = {
  /** How clients of this machine reach it. */
  address: string
  guard: (next: LoadedConfig) => void
}

export type DoorParts = {
  config: LoadedConfig
  /** Of the command line. */
  at: { host?: string; port?: number }
  engine: Gateway
  agents: AgentSessions
  broker: Broker
  connecting: Pick<ConnectionsOptions, 'servers' | 'oauth' | 'challengeOf'>
}

const drainMs = 10_000

export async function openDoor(foundation: Foundation, parts: DoorParts, opening: Opening): Promise<Door> {
  const { config, at, engine, agents, broker, connecting } = parts
  const { log, resources } = opening
  const { limits } = config
  const { state, control, linkSealer } = foundation
  const placeOf = ({ listen: place }: LoadedConfig) => ({ ...place, host: at.host ?? place.host })
  let guards = createGuardOptions(placeOf(config))
  const isStale = (): boolean => state.feed.isStale
  const visits = {
    limits,
    clientOf: (request: IncomingMessage): string => toCountedAddress(request, guards.clients),
    isStale,
    onError: (error: unknown, requestId: string): void =>
      log.error({ requestId, err: describeError(error) }, 'a defect'),
  }
  const baseUrl = (): string | null => foundation.url
  const connect = createConnections({ ...connecting, ...visits, control, flows: state.flows, linkSealer, baseUrl })
  const management = resources.use(
    createManagement({ ...control, ...visits, ...managing(state.audit), agents, connecting: connect }),
  )
  const { host } = placeOf(config)
  const http = await listen({
    gateway: engine,
    limits,
    randomId,
    now: Date.now,
    onError: visits.onError,
    guards: () => guards,
    host,
    port: at.port ?? config.listen.port,
    management,
    connect,
    broker,
    whyNotReady: () => (isStale() ? 'storage_unavailable' : null),
  })
  resources.defer(() => http.close(drainMs))
  const address = addressOf({ host, port: http.port, publicUrl: config.listen.publicUrl })
  foundation.url = address
  return { address, guard: (next) => (guards = createGuardOptions(placeOf(next))) }
}

function managing(audit: AuditRecorder): Pick<ManagementOptions, 'version' | 'nextRequestId' | 'onRefusal'> {
  return {
    version,
    nextRequestId: () => randomId('req'),
    onRefusal: ({ requestId, method, path }, error) => {
      const at = Date.now()
      const request = { requestId, method, endpoint: path, principal: null, receivedAt: at }
      recordRefusal(audit, request, { error, at })
    },
  }
}
