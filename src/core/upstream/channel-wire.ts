/** Port: a two-way channel of JSON-RPC messages to one upstream (stdio, WebSocket, HTTP+SSE). Types only. */
import type { Lease } from '#core/credential/lease.ts'

export type ChannelEvents = {
  /** One parsed JSON value that arrived; whether it is a valid message is the listener's question. */
  message(message: unknown): void
  /** The channel has ended, by whichever side and however; called once, after the last message. */
  closed(reason: ChannelEnd): void
}

export type ChannelEnd = {
  /** `closed`: by us. `lost`: the peer went away. `garbage`: it sent what is no JSON. `too_large`: one message was over the limit. */
  kind: 'closed' | 'lost' | 'garbage' | 'too_large'
  /** For the operator's log and `toolgate/servers`: our words, never the upstream's. */
  text: string
}

export interface Channel {
  /**
   * Sends one serialised message. Rejects with `upstream_closed` when the channel has ended.
   * @param headers of this message alone, flat and lower case, for channels that make a request of each (HTTP+SSE)
   */
  send(text: string, headers?: readonly string[]): Promise<void>
  /** Ends the channel and all it held; resolves when nothing is left (a child has been reaped). Never rejects. */
  close(): Promise<void>
}

export interface ChannelWire {
  /**
   * Opens one channel: starts the child, connects the socket.
   * Rejects with `upstream_unreachable`, `upstream_auth_failed`, `upstream_redirected`, `upstream_too_large` or `upstream_timeout`.
   * @param options.lease read for each request; stdio has none to make
   */
  open(options: { lease: Lease; events: ChannelEvents; signal: AbortSignal }): Promise<Channel>
  /** The last lines the upstream wrote to its standard error, for the operator only. Empty where there is none. */
  diagnosis(): string
}
