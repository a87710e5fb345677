/** What the bridge runs on. */
import { createEventReader } from '#adapters/mcp-http/event-reader.ts'
import { createHttpWire } from '#adapters/mcp-http/http-wire.ts'
import { createLineReader } from '#adapters/mcp-stdio/line-reader.ts'
import { operatorEgress } from './egress.ts'

const connectTimeoutMs = 10_000
/** Each request under way holds one, so that no message waits behind a long call. */
const connectionsMax = 1_024

export function createBridgeParts() {
  return {
    openWire: (url: string) => createHttpWire({ url, connectionsMax, connectTimeoutMs, egress: operatorEgress }),
    createEventReader,
    createLineReader,
  }
}
