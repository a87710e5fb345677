/** On whose behalf an upstream's session is used. */
import { holderOf } from '#core/credential/holder.ts'
import type { CredentialHolder } from '#core/credential/lease.ts'
import type { Principal } from '#core/identity/principal.ts'
import type { JsonObject } from '#core/protocol/json-rpc.ts'

/** Plain data: replicas tell each other. */
export type SessionUser = {
  principalId: string
  /** Whose credentials its calls may go out with. */
  holder: CredentialHolder
  /** The client's own session, where it has one. */
  sessionId: string | null
  capabilities: JsonObject
  /** A hash of the cookies that its calls bring with them; undefined: none. */
  cookies?: string
}

type Client = { sessionId: string | null; capabilities: JsonObject }

export function toSessionUser(principal: Principal, { sessionId, capabilities }: Client): SessionUser {
  return { principalId: principal.id, holder: holderOf(principal), sessionId, capabilities }
}
