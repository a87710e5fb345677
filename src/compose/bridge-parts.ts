/** What the bridge runs on. */
import { lookup } from 'node:dns'
import { createEventReader } from '#adapters/mcp-http/event-reader.ts'
import { createHttpWire } from '#adapters/mcp-http/http-wire.ts'
import { createLineReader } from '#adapters/mcp-stdio/line-reader.ts'
import type { Egress } from '#core/egress/egress.ts'

const connectTimeoutMs = 10_000
/** Each request under way holds one, so that no message waits behind a long call. */
const connectionsMax = 1_024
/** Whoever starts the bridge says where the gateway is, for a program of their own: they may write `0.0.0.0`. */
const egress: Egress = { refusalOf: () => null, lookup }

export function createBridgeParts() {
  return {
    openWire: (url: string) => createHttpWire({ url, connectionsMax, connectTimeoutMs, egress }),
    createEventReader,
    createLineReader,
  }
}
