/**
 * Port: what an authority said of tokens, for a short while. Types only.
 *
 * A token that is good is remembered for 30 s and never past its expiry, one that is not for 5 s. Whoever revokes a token has it forgotten:
 * what was asked before that is not remembered after it. With the cache away every question goes to the authority.
 */
import type { JsonObject } from '#core/protocol/json-rpc.ts'

export type Introspection =
  | {
      isActive: true
      /** Unix time in milliseconds, or null: never. */
      expiresAt: number | null
      /** What the authority says of it. */
      claims: JsonObject
    }
  | { isActive: false; reason: string }

export interface IntrospectionCache {
  /**
   * What is remembered, else what `ask` finds out. Questions of one digest that come meanwhile wait for the same answer.
   * @param digest SHA-256 of the token in lower-case hex; a token itself is never a key
   * @throws what `ask` throws; a failure is not remembered
   */
  introspect(digest: string, ask: () => Promise<Introspection>): Promise<Introspection>
  /**
   * On every replica.
   * @throws GatewayError `storage_unavailable`: elsewhere it may be remembered for 30 s more
   */
  forget(digest: string): Promise<void>
}
