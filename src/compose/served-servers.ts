/** Definitions of servers as the engine takes them: with the secrets that they name put in. */
import type { LoadedConfig } from '#config/loaded-config.ts'
import { type GatewayError, toGatewayError } from '#contract/errors.ts'
import { mapSecretRefs } from '#contract/secret-text.ts'
import type { ServedServer, Server } from '#contract/server.ts'
import { resolveSecrets, type SecretLookup } from '#core/credential/resolve-secrets.ts'
import { referencesOf } from '#core/resources/references.ts'
import type { ResourceSnapshot } from '#core/resources/snapshot.ts'

type Deps = {
  snapshot: Pick<ResourceSnapshot, 'all' | 'get' | 'find' | 'versionOf'>
  /** Told of each definition that cannot be served: it is not there, and costs the others nothing. */
  onTrouble: (server: string, error: GatewayError) => void
}

/** What became of one definition. `secrets`: the version of all secrets, where it names some. `served` null: it cannot be served. */
type Outcome = { id: string; name: string; secrets: number | null; served: ServedServer | null }

/** @returns what is offered now, declared and stored. It is asked for at each change of anything: what is as it was is not looked at again. */
export function createServedServers({ snapshot, onTrouble }: Deps): () => ServedServer[] {
  const outcomes = new WeakMap<object, Outcome>()
  const find = secretsOf(snapshot)
  const serve = (id: string, server: Server): ServedServer | null => {
    try {
      return { ...resolveSecrets(server, find), id }
    } catch (error) {
      onTrouble(server.name, toGatewayError(error))
      return null
    }
  }
  return () => {
    const version = snapshot.versionOf('secret')
    return snapshot.all('server').flatMap(({ kind, id, name, spec }) => {
      const known = outcomes.get(spec)
      if (known?.id === id && known.name === name && (known.secrets ?? version) === version) return known.served ?? []
      const secrets = referencesOf({ kind, spec }).some(({ kind: named }) => named === 'secret') ? version : null
      const served = serve(id, { name, ...spec })
      outcomes.set(spec, { id, name, secrets, served })
      return served ?? []
    })
  }
}

/** @throws GatewayError `config_invalid` for a declared server that could never be served */
export function checkDeclared({ servers, secrets }: Pick<LoadedConfig, 'servers' | 'secrets'>): void {
  const known = new Map(secrets.map((secret) => [secret.name, secret]))
  for (const server of servers) {
    let isWhole = true
    mapSecretRefs(server.transport, (name) => {
      isWhole &&= known.has(name)
      return name
    })
    // What is not declared may be stored: then it is seen when it is served.
    if (isWhole) resolveSecrets(server, (name) => known.get(name))
  }
}

/** By id, or by the name that a declaration has written. */
export function secretsOf(snapshot: Pick<ResourceSnapshot, 'get' | 'find'>): SecretLookup {
  return (ref) => {
    const secret = snapshot.get('secret', ref) ?? snapshot.find('secret', ref)
    return secret && { name: secret.name, value: secret.spec.value }
  }
}
