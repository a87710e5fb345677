/** What the bridge needs of the world. Types only. */
import type { CreateEventReader } from '#core/upstream/event-reader.ts'
import type { HttpWire } from '#core/upstream/http-wire.ts'

/** The client's side: one JSON message a line. */
export interface ClientOutput {
  /** The client does not read as fast as the gateway speaks. */
  readonly isFull: boolean
  write(text: string): void
  /** Runs `task` once, when there is room again. */
  onDrain(task: () => void): void
}

export type BridgePorts = {
  /** To the one endpoint that the bridge stands before. */
  wire: HttpWire
  createEventReader: CreateEventReader
  output: ClientOutput
  /** Sent with every request: flat, lower case. Holds the token. */
  headers: readonly string[]
  /** Of one message, in either direction. */
  messageBytesMax: number
  /** A line for the person who looks at the client's log of this server. */
  tell: (line: string) => void
}
