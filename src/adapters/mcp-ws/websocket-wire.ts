import type { SecureContext } from 'node:tls'
import type { Egress } from '#core/egress/egress.ts'
import type { ChannelWire } from '#core/upstream/channel-wire.ts'
import { openSocket } from './open-socket.ts'
import { createSocketChannel } from './socket-channel.ts'

export type WebSocketWireOptions = {
  /** `ws:`, `wss:`, or the `http:` and `https:` that mean the same. */
  url: string
  /** Size of one message from the server. */
  messageBytesMax: number
  /** From the first packet to the end of the handshake. */
  connectTimeoutMs: number
  egress: Egress
  /** Certificate and key that the gateway shows. */
  tls?: SecureContext | undefined
  /** How often the server is pinged, and how long it may take to answer. Default: 30,000. */
  pingIntervalMs?: number
}

/**
 * MCP over WebSocket (RFC 6455, subprotocol `mcp`): one JSON-RPC message in each text frame.
 *
 * Redirects are not followed. `open` rejects as the port says, and also with `upstream_protocol` (what answered speaks
 * no WebSocket, or chose another subprotocol), `egress_forbidden` and `config_invalid` (the address or a header cannot be sent). The signal
 * speaks of the opening only.
 * `send` resolves when the frame has left; while more than 8 MiB wait for a server that does not read, it rejects.
 */
export function createWebSocketWire(options: WebSocketWireOptions): ChannelWire {
  const { pingIntervalMs = 30_000, ...target } = options
  return {
    open: ({ lease, events, signal }) =>
      openSocket({ ...target, lease, signal }, (socket) => createSocketChannel(socket, { events, pingIntervalMs })),
    diagnosis: () => '',
  }
}
