/** Secrets put where a server's definition names them: the only form that the engine serves, and that nobody is shown. */
import { GatewayError } from '#contract/errors.ts'
import { mapSecretRefs } from '#contract/secret-text.ts'
import { findServerFaults } from '#contract/server-faults.ts'
import { type ResolvedServer, Server } from '#contract/server.ts'

export type KnownSecret = { name: string; value: string }

/** By name or id. */
export type SecretLookup = (ref: string) => KnownSecret | undefined

/** For definitions that name none: of programs, examples, tests. */
export const noSecrets: SecretLookup = () => undefined

/**
 * What is stored may be older than the schema, and a secret may be a text that does not fit where it is named: so the result is checked whole.
 * @throws GatewayError `config_invalid` with the `path` of what is wrong and, where a secret is named there, its name in `secret`; never a value
 */
export function resolveSecrets(server: Server, find: SecretLookup): ResolvedServer {
  const names = new Map<string, string>()
  const transport = mapSecretRefs(server.transport, (ref, path) => {
    const secret = find(ref)
    names.set(`transport.${path}`, secret?.name ?? ref)
    if (!secret) throw invalid(`transport.${path}`, 'there is no such secret', names)
    return secret.value
  })
  const { data, error } = Server.safeParse({ ...server, transport })
  if (!data) throw invalid(pathOf(error.issues[0]?.path ?? []), 'does not have the form that is needed here', names)
  const fault = findServerFaults(data.transport)[0]
  if (fault) throw invalid(pathOf(['transport', ...fault.keys]), fault.message, names)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no secret is named in it any more
  return data as ResolvedServer
}

function pathOf(keys: readonly PropertyKey[]): string {
  return keys
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .slice(1)
}

function invalid(path: string, reason: string, names: ReadonlyMap<string, string>): GatewayError {
  const secret = names.get(path)
  return new GatewayError('config_invalid', { details: { path, reason, ...(secret !== undefined && { secret }) } })
}
