/**
 * A server that mirrors other arguments in headers than it did when its list was fetched refuses a call with −32020 (2026-07-28,
 * streamable-http). Who made the headers fetches the list again and tries once more.
 */
import { toOutcome, type JsonObject } from '#core/protocol/json-rpc.ts'
import { buildParamHeaders, type ParamHeader } from '#core/protocol/mcp-headers.ts'
import type { CatalogItem } from '#gateway/catalog/catalog.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'
import { userOfCall } from '#gateway/client/user-of-call.ts'
import { parseMessage, rawText } from '#gateway/upstream/answer.ts'
import type { SessionUser } from '#gateway/upstream/session-user.ts'
import type { Upstream } from '#gateway/upstream/upstream.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'
import type { Target } from './target.ts'

export interface ToolLists {
  renewTool(
    upstream: Upstream,
    user: SessionUser,
    doubted: { name: string; paramHeaders: readonly ParamHeader[] },
  ): Promise<CatalogItem | undefined>
}

const headerMismatch = -32020

export function isHeaderMismatch(answer: Answer): boolean {
  if ('error' in answer) return answer.error.code === headerMismatch
  if (!('raw' in answer) || answer.ending !== 'error' || !answer.raw.includes(String(headerMismatch))) return false
  const outcome = toOutcome(parseMessage(rawText(answer)))
  return outcome !== undefined && 'error' in outcome && outcome.error.code === headerMismatch
}

/** The target by the server's newest list; null where its headers would be the same, or the list cannot be had. Never rejects. */
export async function renewTarget(target: Target, call: ClientCall, lists: ToolLists): Promise<Target | null> {
  const { upstream, params, paramHeaders } = target
  const { name } = params
  const user = userOfCall(call)
  if (target.method !== 'tools/call' || typeof name !== 'string') return null
  try {
    const tool = await lists.renewTool(upstream, user, { name, paramHeaders })
    if (!tool || isSame(target, tool.paramHeaders)) return null
    return { ...target, paramHeaders: tool.paramHeaders, outputSchema: tool.item['outputSchema'] }
  } catch {
    // The server's own refusal says more than that its list cannot be had.
    return null
  }
}

function isSame({ paramHeaders, params }: Target, renewed: readonly ParamHeader[]): boolean {
  return textOf(paramHeaders, params) === textOf(renewed, params)
}

function textOf(paramHeaders: readonly ParamHeader[], params: JsonObject): string {
  return buildParamHeaders(paramHeaders, params['arguments']).join('\n')
}
