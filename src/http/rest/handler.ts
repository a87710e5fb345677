/** What answers an operation. Types only. */
import type { Caller } from '#control/actor.ts'

export type RestRequest = {
  caller: Caller
  /** Of the path: a resource's name or id, or empty. */
  ref: string
  query: unknown
  body: unknown
  /** Of If-Match; null: whatever it is. */
  version: number | null
  /** Of whom what nobody is known to do is counted. */
  address: string
}

export type RestReply = { body?: unknown; version?: number; location?: string }
export type Handler = (request: RestRequest) => Promise<RestReply>
