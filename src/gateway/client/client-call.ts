/** One request of a client, as every entrance hands it in. Types only. */
import type { ClientFacts } from '#core/protocol/envelope.ts'
import type { JsonObject, Outcome, Question, RpcNotification, RpcRequest } from '#core/protocol/json-rpc.ts'
import type { HeaderLookup } from '#core/protocol/mcp-headers.ts'
import type { LargeRequest } from '#core/protocol/scan.ts'
import type { Era } from '#core/protocol/revisions.ts'
import type { Cancellation } from '#core/upstream/cancellation.ts'
import type { Principal } from '#core/identity/principal.ts'
import type { Address, Endpoint } from '#gateway/endpoint.ts'
import type { ByteSink } from '#gateway/upstream/upstream-session.ts'
import type { ClientSession } from './client-session.ts'

/** Where the answer to one request goes while it is not yet the answer. */
export interface Reply {
  notify(note: RpcNotification): void
  /** The answer will take a while. */
  waiting?(): void
  /** Asks the client on this request's stream. Null for modern clients: they are asked in a result. */
  ask: ((question: Question, cancellation: Cancellation) => Promise<Outcome>) | null
}

export type ClientCall = {
  principal: Principal
  endpoint: Endpoint
  /** By which the endpoint is found again when the configuration has changed. */
  address: Address
  era: Era
  revision: string
  facts: ClientFacts
  /** The legacy session of the client; null for modern clients. */
  session: ClientSession | null
  message: RpcRequest
  /** The message's own text, where it is too large to serialise anew. */
  large: LargeRequest | null
  /** The HTTP request's; null on channels, which have none. */
  headers: HeaderLookup | null
  reply: Reply
  /** Set where bytes can go straight to the client. */
  sink: ByteSink | null
  cancellation: Cancellation
  /** A last look at a tool that may be called, as its server lists it. Rejects with GatewayError to refuse the call. */
  beforeCall?: (tool: JsonObject) => Promise<void>
  /** Correlates audit, log and answer. */
  requestId: string
  /** Unix time in milliseconds. */
  receivedAt: number
}
