import { GatewayError } from '#contract/errors.ts'
import type { ResourceKind } from '#contract/resource.ts'
import type { Resource } from './resource-store.ts'

const pageLimitMax = 1_000

/** Gives the limit back, or throws `invalid_params`: a database reads a negative limit as none. */
export function checkPageLimit(limit: number): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= pageLimitMax) return limit
  throw new GatewayError('invalid_params', { details: { reason: `limit is a whole number from 1 to ${pageLimitMax}` } })
}

/** What holds many kinds gives one: the look costs nothing and saves an assertion. */
export function isOfKind<Kind extends ResourceKind>(
  kind: Kind,
  resource: { kind: ResourceKind },
): resource is Resource<Kind> {
  return resource.kind === kind
}
