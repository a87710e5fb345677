/** A client that wants to hear what happens on an upstream session outside its calls. Types only. */
import type { Outcome, Question, RpcNotification } from '#core/protocol/json-rpc.ts'

export type ListKind = 'tools' | 'prompts' | 'resources'

export interface Peer {
  readonly principalId: string
  /** Whether a change of a list can reach the client now. */
  readonly isListening: boolean
  /** The resources of this server, by their own URIs, whose updates the peer wants. */
  watchedResources(server: string): Iterable<string>
  listChanged(server: string, kind: ListKind): void
  resourceUpdated(server: string, uri: string, note: RpcNotification): void
  logged(server: string, note: RpcNotification): void
  other(server: string, note: RpcNotification): void
  /** Null where the peer has no way to be asked outside a call. */
  ask: ((server: string, question: Question) => Promise<Outcome>) | null
}
