import type { SecureContext } from 'node:tls'
import type { Lease } from '#core/credential/lease.ts'
import type { Egress } from '#core/egress/egress.ts'
import type { ChannelWire } from '#core/upstream/channel-wire.ts'
import { createChannelPool } from './channel-pool.ts'
import { openSseChannel } from './sse-channel.ts'
import { toConfigError } from './sse-error.ts'

export type SseWireOptions = {
  /** Of the event stream; the address to post to comes from the server, on the same origin. */
  url: string
  /** Size of one event from the server. */
  messageBytesMax: number
  /** From the first packet to the event that names the address to post to. */
  connectTimeoutMs: number
  /** From the posting of one message to the head of its answer. */
  postTimeoutMs: number
  egress: Egress
  /** Certificate and key that the gateway shows. */
  tls?: SecureContext | undefined
}

/**
 * MCP over HTTP+SSE (revision 2024-11-05, basic/transports): a GET stream brings the server's messages, each of ours is
 * a POST to the address that the stream names first.
 *
 * Redirects are not followed. `open` rejects as the port says, and also with `upstream_protocol` (no event stream, or
 * it names a foreign address), `upstream_rate_limited` (429), `egress_forbidden` and `config_invalid` (the address or a header cannot be
 * sent). The signal speaks of the opening only.
 * `send` posts in the order of the calls and resolves with the head of the POST's answer. A POST that fails rejects its
 * `send` with the matching `upstream_…` code and leaves the channel open; so does a queue of more than 8 MiB.
 */
export function createSseWire(options: SseWireOptions): ChannelWire {
  return {
    async open({ lease, events, signal }) {
      const url = URL.parse(options.url)
      if (url === null) throw toConfigError()
      const pool = createChannelPool(url, options)
      return openSseChannel({ ...options, pool, url: at(url, lease), lease }, events, signal)
    },
    diagnosis: () => '',
  }
}

/** Where the owner's own values are part of the address. */
function at(url: URL, { path }: Lease): URL {
  return path === undefined ? url : new URL(path, url.origin)
}
