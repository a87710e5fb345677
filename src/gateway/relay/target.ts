/** Where one request goes, by the upstream's own names. Types only. */
import type { JsonObject } from '#core/protocol/json-rpc.ts'
import type { ParamHeader } from '#core/protocol/mcp-headers.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'

export type Target = {
  upstream: Upstream
  method: string
  params: JsonObject
  paramHeaders: readonly ParamHeader[]
  /** The tool's, as the upstream declares it: it says in which form a client of the other era knows the result. */
  outputSchema?: unknown
  /** Gives a result the endpoint's names; null where they are the upstream's own. */
  toExposed: ((result: JsonObject) => JsonObject) | null
}
