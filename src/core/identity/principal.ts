/** What a token resolves to: who calls, and what they may. */
import type { Token } from '#contract/token.ts'
import type { Access } from '#core/access/access.ts'

export type Principal = {
  /** Equal for all who share upstream sessions and tasks; of a token it is the token's own id. */
  id: string
  tokenId: string
  tokenName: string
  access: Access
  /** Unix time in milliseconds, or null: never. */
  expiresAt: number | null
  /** Null where there is no token: a caller of the library. */
  token: TokenFacts | null
  /** Of a session's token alone, which is no row anywhere: its `token` is null. */
  session?: SessionFacts
  /** Where it stands at the address of a toolset, whichever that is: the toolset's name. */
  toolset?: string
}

/** Whose run of which agent calls. Ids are those of resources. */
export type SessionFacts = {
  id: string
  agentId: string
  /** Empty where the agent is gone. */
  agentName: string
  /** For whom it runs: who started it, or whose token did. Both null where nobody knows, or nobody does any more. */
  userId: string | null
  teamId: string | null
}

/** What else is known of who holds a token, and where and how often it may be used. Ids are those of resources. */
export type TokenFacts = {
  /** Lower-case hex SHA-256 of the bearer: another bearer under the same id is another token. */
  digest: string
  /** Whose it is: a user's or a team's. */
  userId: string | null
  teamId: string | null
  /** The only project at whose address it may be used. */
  projectId: string | null
  /** Keys of the only addresses (`naming/address.ts`) at which it may be used; null: any. */
  endpoints: ReadonlySet<string> | null
  /** Null where it has none. */
  limits: Token['limits'] | null
}

/** A project or a toolset, as the address of one: what it offers, and to whom at most. */
export type Scope = {
  kind: 'project' | 'toolset'
  id: string
  name: string
  /** Real names; the order in which they are offered. */
  servers: readonly string[]
}

/** What the address of several names offers: these servers whole, by their real names, and of these toolsets their tools. */
export type Mixture = { servers: readonly string[]; toolsets: readonly Scope[] }
