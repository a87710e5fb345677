/**
 * Port: what every replica must know of a legacy client's session (McpSession) to serve it. Types only.
 *
 * A record lives as long as the session may be idle, counted from its last use. A session that was ended is remembered as ended for a while,
 * so that a replica that did not hear of it cannot keep it alive.
 */
import type { JsonObject } from '#core/protocol/json-rpc.ts'

export type McpSessionRecord = {
  id: string
  /** The token that opened it, and alone may use it. */
  tokenId: string
  /** Where it was opened: the same text for the same address. */
  address: string
  /** What that address meant: the same text as long as the session can go on. */
  endpoint: string
  revision: string
  capabilities: JsonObject
  /** What the client calls itself; null: it did not say, or too much. */
  info: JsonObject | null
  logLevel: string | null
  /** Unix time in milliseconds. */
  createdAt: number
}

/** For how much longer it may be idle, in milliseconds. */
export type McpSessionUse = { id: string; idleMs: number }

export type McpSessionFate = 'kept' | 'ended' | 'unknown'

/** Every method rejects with `storage_unavailable` where the records cannot be reached, within one second. */
export interface McpSessionRecords {
  /**
   * In place of what was there.
   * @returns false: the session has ended, and nothing was stored
   */
  put(record: McpSessionRecord, idleMs: number): Promise<boolean>
  /** Null: there never was one, it was idle for too long, or it has ended. */
  get(id: string): Promise<McpSessionRecord | null>
  /** Says that they are in use; a life is made longer, never shorter. What became of each, in the order given. */
  touch(uses: readonly McpSessionUse[]): Promise<McpSessionFate[]>
  /** @param rememberMs how long it is remembered that it has ended */
  end(id: string, rememberMs: number): Promise<void>
}
