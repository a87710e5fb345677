/** The one way in which a request ends that never became a call: it is recorded, and its client is told. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { toGatewayError, type GatewayError } from '#contract/errors.ts'
import type { RequestId } from '#core/protocol/json-rpc.ts'
import type { EntranceDeps, Visit } from '#http/mcp/entrance.ts'
import { sendFailure } from './errors.ts'

type RefuseDeps = Pick<EntranceDeps, 'gateway' | 'onError'>

/** @param message that was refused, where one was read */
export function refuse(
  visit: Visit & { res: ServerResponse; deps: RefuseDeps },
  error: unknown,
  message: { id: RequestId | null; method?: string } = { id: null },
): void {
  const { res, requestId, deps } = visit
  const failure = recordRefused(visit, error, { deps, method: message.method })
  sendFailure(res, failure, { requestId, id: message.id })
}

/** Records, and leaves it to the caller to tell the client. */
export function recordRefused(
  { req, requestId, receivedAt, principal, endpoint, address }: Visit,
  error: unknown,
  { deps, method = req.method ?? '' }: { deps: RefuseDeps; method?: string | undefined },
): GatewayError {
  const failure = toGatewayError(error)
  if (failure.code === 'internal') deps.onError(error, requestId)
  const place = endpoint?.key ?? pathOf(req)
  deps.gateway.recordRefusal({ requestId, receivedAt, principal, endpoint: place, method, address }, failure)
  return failure
}

/** Without the query, in which a client may have put its token. */
function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? ''
}
