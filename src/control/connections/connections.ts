/** The use cases of connections: what a person does to give the gateway a credential of its own, and to take it back. */
import type { Connection, ConnectionsQuery } from '#contract/connection.ts'
import type { Caller } from '#control/actor.ts'
import type { ConnectionDeps } from './connection-deps.ts'
import { findTarget, type TargetWords } from './connection-target.ts'
import { toConnection } from './connection-view.ts'
import { finishConnection, type Arrival } from './finish-connection.ts'
import { setKey, setVariables } from './give-values.ts'
import { listConnections } from './list-connections.ts'
import { revokeConnection } from './revoke-connection.ts'
import { startConnection } from './start-connection.ts'

export type ConnectionsControl = ReturnType<typeof createConnectionsControl>

export function createConnectionsControl(deps: ConnectionDeps) {
  return {
    list: ({ actor }: Caller, query: ConnectionsQuery): Promise<Connection[]> => listConnections(deps, actor, query),
    /** @throws GatewayError `no_such_resource`, `forbidden` */
    get: ({ actor }: Caller, words: TargetWords): Connection =>
      toConnection(deps, actor, findTarget(deps, actor, { words, right: 'view' })),
    start: (caller: Caller, asked: { words: TargetWords; browser: string }) => startConnection(deps, caller, asked),
    finish: (caller: Caller, arrival: Arrival) => finishConnection(deps, caller, arrival),
    setKey: (caller: Caller, giving: { words: TargetWords; body: unknown }) => setKey(deps, caller, giving),
    setVariables: (caller: Caller, giving: { words: TargetWords; body: unknown }) => setVariables(deps, caller, giving),
    revoke: (caller: Caller, words: TargetWords) => revokeConnection(deps, caller, words),
  }
}
