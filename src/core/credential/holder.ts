import type { Principal } from '#core/identity/principal.ts'
import type { CredentialHolder } from './lease.ts'

const nobody: CredentialHolder = { userId: null, teamId: null }

/** Whose credentials a principal's calls may go out with. Makes nothing: it is asked for each call. */
export function holderOf({ token, session }: Principal): CredentialHolder {
  return token ?? session ?? nobody
}
