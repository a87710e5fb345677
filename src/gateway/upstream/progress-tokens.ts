/** Progress tokens must be unique on one upstream session, and two clients may choose the same: ours goes up, theirs comes back. */
import { metaOf } from '#core/protocol/envelope.ts'
import type { JsonObject, RequestId, RpcNotification } from '#core/protocol/json-rpc.ts'

export function progressTokenOf(params: JsonObject | undefined): unknown {
  return metaOf(params)?.['progressToken']
}

export function withProgressToken(params: JsonObject | undefined, token: RequestId): JsonObject {
  return { ...params, _meta: { ...metaOf(params), progressToken: token } }
}

export function withoutProgressToken(params: JsonObject | undefined): JsonObject {
  const { progressToken: _token, ...meta } = metaOf(params) ?? {}
  return { ...params, _meta: meta }
}

/** A notification of a call, with the caller's own token in the place of ours. */
export function forCaller(note: RpcNotification, callerToken: unknown): RpcNotification {
  if (note.method !== 'notifications/progress' || callerToken === undefined) return note
  return { ...note, params: { ...note.params, progressToken: callerToken } }
}
