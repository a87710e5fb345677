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
  /** The tasks of this server (of the modern extension), by its own ids, whose states the peer wants to be told. */
  followedTasks?(server: string): Iterable<string>
  /** Whether what is said of this task of the server's, or of a task that the client made of its question, is for this client. */
  concernsTask?(server: string, taskId: string): boolean
  /** Null where the peer has no way to be asked outside a call. */
  ask: ((server: string, question: Question) => Promise<Outcome>) | null
}
