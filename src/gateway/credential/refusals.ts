/** What is told of one server's credential, by what its definition calls it. */
import { GatewayError } from '#contract/errors.ts'
import type { ServedServer } from '#contract/server.ts'
import { credentialUnavailable, reasonOf } from '#core/credential/credential-refusals.ts'
import type { CredentialOwner, StateReason, StoredState } from '#core/credential/stored-credential.ts'
import type { CredentialDeps } from './credential-deps.ts'

export type Refusals = {
  required(owner: CredentialOwner, state: StoredState | 'missing', reason: StateReason | null): GatewayError
  variablesRequired(owner: CredentialOwner, missing: readonly string[]): GatewayError
  /** Who calls is no user, or in no team. */
  ownerRequired(): GatewayError
  authFailed(status: number): GatewayError
  /** @throws GatewayError `credential_unavailable` for whatever else goes wrong */
  orUnavailable<Result>(work: () => Promise<Result>): Promise<Result>
}

export function refusals(
  { id, name: server }: Pick<ServedServer, 'id' | 'name'>,
  { connectUrl }: Pick<CredentialDeps, 'connectUrl'>,
): Refusals {
  const urlFor = (owner: CredentialOwner): string | null => connectUrl({ id, name: server }, owner)
  return {
    required: (owner, state, reason) =>
      new GatewayError('credential_required', {
        details: { server, state, ...(reason !== null && { reason }), connectUrl: urlFor(owner) },
      }),
    variablesRequired: (owner, missing) =>
      new GatewayError('credential_variables_required', {
        details: { server, missing: [...missing], connectUrl: urlFor(owner) },
      }),
    ownerRequired: () => new GatewayError('credential_owner_required', { details: { server } }),
    authFailed: (status) => new GatewayError('upstream_auth_failed', { details: { server, status } }),
    async orUnavailable(work) {
      try {
        return await work()
      } catch (error) {
        throw credentialUnavailable(server, reasonOf(error))
      }
    },
  }
}
