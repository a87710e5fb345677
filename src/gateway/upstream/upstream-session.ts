/** One conversation with one upstream, whatever its wire and era. Types only. */
import type { GatewayError } from '#contract/errors.ts'
import type { Clock } from '#core/clock.ts'
import type { Lease } from '#core/credential/lease.ts'
import type { JsonObject, Outcome, Question, RequestId, RpcNotification } from '#core/protocol/json-rpc.ts'
import type { ResponseEnding } from '#core/protocol/response-scan.ts'
import type { LargeRequest } from '#core/protocol/scan.ts'
import type { Era } from '#core/protocol/revisions.ts'
import type { Cancellation } from '#core/upstream/cancellation.ts'
import type { ListKind } from './peer.ts'

export type UpstreamFacts = {
  era: Era
  revision: string
  capabilities: JsonObject
  serverInfo: JsonObject
  instructions: string | undefined
}

/** How a call ended, for the audit. */
export type Ending = ResponseEnding

/** A whole JSON-RPC response as it came, but for the id, which is the caller's. */
export type RawAnswer = {
  raw: string
  /** `latin1`: each character of `raw` is one byte of UTF-8, as it came; nothing was decoded that nobody reads. */
  encoding: 'latin1' | 'utf8'
  ending: Ending
}
/** A result that was made before, as the bytes of its JSON text: nothing is copied on its way out. */
export type PreparedAnswer = { prepared: Buffer; ending: 'ok' }
/** The answer went through the call's `ByteSink` while it arrived. */
export type StreamedAnswer = { streamed: true; ending: Ending }
export type Answer = Outcome | RawAnswer | PreparedAnswer | StreamedAnswer

/** Takes an answer that is too large to hold byte for byte. */
export interface ByteSink {
  /** False once something else was said to the client: then the answer must come as a whole. */
  readonly canStart: boolean
  start(contentType: string): void
  /** False asks for a pause; `resume` is called when there is room again. */
  write(bytes: Uint8Array | string): boolean
  onDrain(resume: () => void): void
  end(): void
  /** The rest will not come: the client must not take what it has for the whole. */
  destroy(): void
}

export type UpstreamCall = {
  method: string
  params: JsonObject | undefined
  /** Extra request headers of this call (trace context, what is forwarded, `mcp-param-*`), flat and lower case. Only HTTP carries them. */
  headers: readonly string[]
  /** Set where the answer may come back raw: the caller's id, and the message's own text where it is too large to serialise anew. */
  raw: { id: RequestId; large: LargeRequest | null; sink: ByteSink | null } | null
}

export type CallHooks = {
  /** Progress and log messages of this call, in the upstream's words but with the caller's progress token. */
  notify: (note: RpcNotification) => void
  /** The upstream asks the client something while it works on this call. */
  ask: (question: Question) => Promise<Outcome>
  /** The upstream will answer later, on another stream: the client should be kept waiting in comfort. */
  waiting?: () => void
  /** Says what comes of the call when it has been answered: the progress of its task. */
  later?: (note: RpcNotification) => void
  /** Whether a message about this task is for this call's client; undefined where nobody knows yet whose it is. */
  concernsTask?: (taskId: string) => boolean | undefined
  cancellation: Cancellation
  /** The principal whose call it is; calls of the gateway's own have none. */
  owner?: string
}

/** What happens on a session outside any call. */
export type SessionEvents = {
  listChanged(kind: ListKind): void
  resourceUpdated(uri: string, note: RpcNotification): void
  /** A log message that belongs to no call. */
  logged(note: RpcNotification): void
  /** `notifications/elicitation/complete`, `notifications/tasks/status` and others that only a client understands. */
  other(note: RpcNotification): void
  /** A question that belongs to no call. */
  asked(question: Question): Promise<Outcome>
  /** The session cannot be used any more. Called once. */
  ended(error: GatewayError | null): void
}

/** What every session is opened with. */
export type SessionOptions = {
  clock: Clock
  /** How its requests are authenticated; read for each of them. */
  lease: Lease
  /** Makes the lease good where nothing was sent for long. Rejects where it cannot be: then nothing is to go out with it. */
  ready?: (() => Promise<unknown>) | undefined
  /** What the gateway calls itself, and declares, towards the upstream. */
  clientInfo: JsonObject
  clientCapabilities: JsonObject
  /** Longest silence of a call, and longest time of it in all. */
  timeoutMs: number
  timeoutTotalMs: number
  events: SessionEvents
}

/** `tasks`: ids of the server's, of the modern extension. A legacy server says of its tasks what it likes. */
export type Wished = { resources: readonly string[]; tasks?: readonly string[] }

export interface UpstreamSession {
  readonly facts: UpstreamFacts
  readonly isOpen: boolean
  /** Unix time of the last use, in milliseconds. */
  readonly lastUsedAt: number
  readonly callsUnderWay: number
  /** Never throws: a failure is a rejected promise of GatewayError. An error that the upstream answered is an Outcome. */
  call(call: UpstreamCall, hooks: CallHooks): Promise<Answer>
  notify(method: string, params?: JsonObject): void
  /** What clients want to hear of outside calls: list changes always, and what is wished. Replaces what was asked before. */
  listen(wish: Wished): void
  /**
   * Whether the upstream watches a resource that is wished: its own answer, at once where it has agreed before. Rejects with GatewayError
   * where it gives none, and with `request_cancelled` where the resource is not wished.
   */
  subscribe(uri: string): Promise<Outcome>
  close(): Promise<void>
}
