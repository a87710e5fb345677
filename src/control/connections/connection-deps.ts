/** What the use cases of connections need of the world. Types only. */
import type { Limits } from '#contract/limits.ts'
import type { ServedServer } from '#contract/server.ts'
import type { FlowStore } from '#core/credential/flow-store.ts'
import type { OAuthClient } from '#core/credential/oauth-client.ts'
import type { Sealer } from '#core/credential/sealer.ts'
import type { Counters } from '#core/limits/counters.ts'
import type { ControlDeps } from '#control/control-deps.ts'

export type ConnectionDeps = ControlDeps & {
  /** Those that can be called at this moment. */
  servers: () => readonly ServedServer[]
  flows: FlowStore
  oauth: Pick<
    OAuthClient,
    | 'findResource'
    | 'findServer'
    | 'findOwnServer'
    | 'register'
    | 'startAuthorization'
    | 'finishAuthorization'
    | 'revoke'
  >
  /** What a server says to who comes without a credential (`WWW-Authenticate`); null: nothing, or it cannot be asked. */
  challengeOf: (server: ServedServer) => Promise<string | null>
  /** Of links and flows, which live for a day at most. */
  sealer: Sealer
  hash: (text: string) => string
  /** How people reach this gateway, without a slash at its end; null where that is not known. */
  baseUrl: () => string | null
  counters: Counters
  limits: Pick<Limits, 'credentialValueBytesMax'>
}
