/** Definitions of servers as the engine takes them: with the secrets that they name put in. */
import { type GatewayError, toGatewayError } from '#contract/errors.ts'
import type { ServedServer, Server } from '#contract/server.ts'
import { noSecrets, resolveSecrets } from '#core/credential/resolve-secrets.ts'
import type { ResourceSnapshot } from '#core/resources/snapshot.ts'

type Deps = {
  snapshot: Pick<ResourceSnapshot, 'all'>
  /** Told once of each definition that cannot be served: it is not there, and costs the others nothing. */
  onTrouble: (server: string, error: GatewayError) => void
}

/** What became of one definition. Null: it cannot be served. */
type Outcome = { name: string; served: ServedServer | null }

/** @returns what is offered now, declared and stored. It is asked for at each change of anything: what is as it was is not looked at again. */
export function createServedServers({ snapshot, onTrouble }: Deps): () => ServedServer[] {
  const outcomes = new WeakMap<object, Outcome>()
  const serve = (server: Server): ServedServer | null => {
    try {
      return resolveSecrets(server, noSecrets)
    } catch (error) {
      onTrouble(server.name, toGatewayError(error))
      return null
    }
  }
  return () =>
    snapshot.all('server').flatMap(({ name, spec }) => {
      const known = outcomes.get(spec)
      if (known?.name === name) return known.served ?? []
      const served = serve({ name, ...spec })
      outcomes.set(spec, { name, served })
      return served ?? []
    })
}
