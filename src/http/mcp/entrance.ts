/** What the MCP entrances share: who is asking, for which endpoint. */
import type { IncomingMessage } from 'node:http'
import { GatewayError } from '#contract/errors.ts'
import type { Limits } from '#contract/limits.ts'
import type { Clock } from '#core/clock.ts'
import type { Principal } from '#core/identity/principal.ts'
import { single } from '#core/protocol/mcp-headers.ts'
import type { Address, Endpoint } from '#gateway/endpoint.ts'
import type { Gateway } from '#gateway/gateway.ts'

export type EntranceDeps = {
  gateway: Gateway
  limits: Limits
  randomId(prefix: string): string
  now(): number
  clock: Clock
  /** A defect, or a failure worth a line in the log. */
  onError(error: unknown, requestId: string): void
}

export type Caller = { principal: Principal; endpoint: Endpoint; address: Address }

/**
 * Steps 2 and 3 of a call, before its body is read.
 * @throws GatewayError `unauthorized`, `server_not_found`
 */
export function findCaller(req: IncomingMessage, names: string | null, gateway: Gateway): Caller {
  const principal = gateway.identify(req.headers.authorization)
  const { registry } = gateway
  const whole = names === null ? registry.all() : registry.named(names)
  const [only] = whole.upstreams
  // A server that the caller may use nothing of is one that does not exist.
  if (whole.kind === 'single' && only && !principal.access.mayReach(only.name)) {
    throw new GatewayError('server_not_found')
  }
  const narrowing = single(req.headers, 'x-mcp-servers') ?? null
  const endpoint = narrowing === null ? whole : registry.narrowed(whole, narrowing)
  return { principal, endpoint, address: { names, narrowing } }
}
