/** What replicas say to each other of the sessions that several of them have. What comes from elsewhere is read with care. */
import type { JsonObject, RequestId, RpcMessage } from '#core/protocol/json-rpc.ts'
import { isJsonObject, isRequestId, kindOf } from '#core/protocol/json-rpc.ts'

/** Who holds the stream of a session. The newest claim counts, as the newest GET does. */
export type Claim = { at: number; replica: string }

export type SessionMessage =
  /** It is over. */
  | { do: 'end'; id: string }
  | { do: 'level'; id: string; level: string }
  | { do: 'unwatch'; id: string; server: string; uri: string }
  /** A stream was opened at the claim's replica, or that one was closed. */
  | { do: 'stream'; id: string; claim: Claim; isOpen: boolean }
  /** Who holds the streams of these? */
  | { do: 'where'; ids: readonly string[] }
  /** The client said what nobody here has waited for. */
  | { do: 'said'; id: string; message: RpcMessage }
  /** For the client, on the stream that you hold. */
  | { do: 'tell'; id: string; message: RpcMessage }
  /** I hold no stream of it; what was asked is not asked. */
  | { do: 'deaf'; id: string; question: RequestId | null }

export type SentMessage = SessionMessage & { from: string }

export function isNewerClaim(one: Claim, other: Claim | null): boolean {
  if (!other || one.at !== other.at) return one.at > (other?.at ?? -Infinity)
  return one.replica > other.replica
}

/** Null for what no replica of this version has sent. */
export function parseSessionMessage(sent: JsonObject): SentMessage | null {
  const { from, id } = sent
  if (typeof from !== 'string') return null
  if (sent['do'] === 'where') {
    const ids: unknown = sent['ids']
    return Array.isArray(ids) && ids.every((one) => typeof one === 'string') ? { do: 'where', ids, from } : null
  }
  const message = typeof id === 'string' ? parseOfOne(sent, id) : null
  return message && { ...message, from }
}

function parseOfOne(sent: JsonObject, id: string): SessionMessage | null {
  switch (sent['do']) {
    case 'end':
      return { do: 'end', id }
    case 'level':
      return typeof sent['level'] === 'string' ? { do: 'level', id, level: sent['level'] } : null
    case 'unwatch':
      return parseUnwatch(sent, id)
    case 'stream':
      return parseStream(sent, id)
    case 'said':
    case 'tell':
      return isRpcMessage(sent['message']) ? { do: sent['do'], id, message: sent['message'] } : null
    case 'deaf':
      return { do: 'deaf', id, question: isRequestId(sent['question']) ? sent['question'] : null }
    default:
      return null
  }
}

function parseUnwatch({ server, uri }: JsonObject, id: string): SessionMessage | null {
  return typeof server === 'string' && typeof uri === 'string' ? { do: 'unwatch', id, server, uri } : null
}

function parseStream({ claim, isOpen }: JsonObject, id: string): SessionMessage | null {
  if (!isJsonObject(claim)) return null
  const { at, replica } = claim
  if (typeof at !== 'number' || typeof replica !== 'string') return null
  return { do: 'stream', id, claim: { at, replica }, isOpen: isOpen === true }
}

function isRpcMessage(value: unknown): value is RpcMessage {
  return kindOf(value) !== 'invalid'
}
