/** Where one request goes, by the upstream's own names. Types only. */
import type { JsonObject } from '#core/protocol/json-rpc.ts'
import type { ParamHeader } from '#core/protocol/mcp-headers.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'

export type Target = {
  upstream: Upstream
  method: string
  params: JsonObject
  paramHeaders: readonly ParamHeader[]
  /** Gives a result the endpoint's names; null where they are the upstream's own. */
  toExposed: ((result: JsonObject) => JsonObject) | null
}
