/** What the rest of the house stands on: what is stored, what replicas share, who is who, and the ports of the use cases. */
import type { Logger } from 'pino'
import { hashToken } from '#adapters/crypto/token-mint.ts'
import type { LoadedConfig } from '#config/loaded-config.ts'
import type { Sealer } from '#core/credential/sealer.ts'
import { Principals } from '#core/identity/principals.ts'
import { createControlParts, type ControlParts } from './control-parts.ts'
import { linkSealerOf, stateSecretsOf } from './derived-keys.ts'
import { readSecretKey, secretFolder } from './secret-key.ts'
import { createOwnState, openSharedState, type ReplicaState } from './shared-state.ts'
import { openState, type State } from './state.ts'
import { openVault } from './vault.ts'

export type Opening = { log: Logger; resources: AsyncDisposableStack }

export type Foundation = {
  state: State
  shared: ReplicaState
  identities: Principals
  control: ControlParts
  stateSecrets: readonly string[]
  linkSealer: Sealer
  /** Where clients reach the gateway, without a slash at its end; null until it listens there. */
  url: string | null
  /** After what is stored has changed. */
  onChange: () => void
}

export type FoundationOptions = {
  config: LoadedConfig
  env: Readonly<Record<string, string | undefined>>
  dataPath: string
}

export async function layFoundation(
  { config, env, dataPath }: FoundationOptions,
  { log, resources }: Opening,
): Promise<Foundation> {
  const { limits } = config
  const { postgres, redis } = config.storage
  const secret = readSecretKey(env, secretFolder(config.storage, dataPath))
  const watch: Pick<Foundation, 'url' | 'onChange'> = { url: null, onChange: () => undefined }
  const state = await openState({
    dataPath,
    postgres,
    openVault: (database) => openVault(database, { secret, config: config.vault, env }),
    recording: { payloads: config.audit.payloads, limits },
    log,
    resources,
    onChange: () => watch.onChange(),
  })
  const shared = redis === undefined ? createOwnState() : await openSharedState(redis, { log, resources })
  const identities = new Principals(state.snapshot, { hash: hashToken })
  const publicUrl = config.listen.publicUrl ?? null
  const control = createControlParts({ state, shared, secret, limits, publicUrl })
  const derived = { stateSecrets: stateSecretsOf(secret), linkSealer: linkSealerOf(secret) }
  return Object.assign(watch, { state, shared, identities, control, ...derived })
}
