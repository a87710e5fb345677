/** What stored credentials are called: whoever looks for one knows its name. No server's id holds a dot. */
import type { CredentialOwner } from './stored-credential.ts'

/** What an owner has given for a server. */
export function nameOfCredential(serverId: string, { kind, ref }: CredentialOwner): string {
  return kind === 'gateway' ? `${serverId}.gateway` : `${serverId}.${kind}.${ref}`
}

/** What an authorization server registered the gateway as, for a server. */
export function nameOfClient(serverId: string): string {
  return `${serverId}.client`
}
