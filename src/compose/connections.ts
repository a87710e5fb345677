/** Connections, put together: their use cases, and the pages, loaded when somebody first asks for them. */
import type { IncomingMessage } from 'node:http'
import { randomId } from '#adapters/crypto/random-id.ts'
import { hashToken } from '#adapters/crypto/token-mint.ts'
import type { Limits } from '#contract/limits.ts'
import type { ServedServer } from '#contract/server.ts'
import type { ConnectionsControl } from '#control/connections/connections.ts'
import type { FlowStore } from '#core/credential/flow-store.ts'
import type { OAuthClient } from '#core/credential/oauth-client.ts'
import type { Sealer } from '#core/credential/sealer.ts'
import type { ConnectSite } from '#http/connect/connect-site.ts'
import type { ControlParts } from './control-parts.ts'
import { madeWhenAsked } from './made-when-asked.ts'
import { systemClock } from './system-clock.ts'

export type ConnectionsOptions = {
  control: ControlParts
  flows: FlowStore
  oauth: OAuthClient
  linkSealer: Sealer
  /** Those that can be served, with their secrets in them. */
  servers: () => readonly ServedServer[]
  challengeOf: (server: ServedServer) => Promise<string | null>
  /** How people reach this gateway, without a slash at its end; null where that is not known yet. */
  baseUrl: () => string | null
  limits: Limits
  clientOf: (request: IncomingMessage) => string
  isStale: () => boolean
  onError: (error: unknown, requestId: string) => void
}

export type Connections = ConnectSite & { control: () => Promise<ConnectionsControl> }

export function createConnections(options: ConnectionsOptions): Connections {
  let controlling: Promise<ConnectionsControl> | undefined
  const control = (): Promise<ConnectionsControl> => (controlling ??= loadControl(options))
  const site = madeWhenAsked(async () => loadSite(options, await control()), options.onError)
  return { control, handle: (req, res) => site.handle(req, res) }
}

async function loadControl(options: ConnectionsOptions): Promise<ConnectionsControl> {
  const { createConnectionsControl } = await import('#control/connections/connections.ts')
  const { control, servers, challengeOf, flows, oauth, linkSealer, baseUrl, limits } = options
  return createConnectionsControl({
    ...control,
    flows,
    oauth,
    sealer: linkSealer,
    hash: hashToken,
    servers: () => servers().filter(({ isEnabled }) => isEnabled),
    challengeOf,
    baseUrl,
    limits,
  })
}

async function loadSite(options: ConnectionsOptions, connections: ConnectionsControl): Promise<ConnectSite> {
  const { createConnectSite } = await import('#http/connect/connect-site.ts')
  const { control, baseUrl, limits, clientOf, isStale, onError } = options
  return createConnectSite({
    ...control,
    connections,
    baseUrl,
    limits,
    clock: systemClock,
    clientOf,
    isStale,
    nextRequestId: () => randomId('req'),
    onError,
  })
}
