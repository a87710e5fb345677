/**
 * Changes the id of a JSON-RPC response without re-serialising it. Only the shapes that real peers write are
 * recognised, at the very head or the very tail, where they cannot be anything but top-level members; for every other shape the answer
 * is null and the caller parses.
 */

const windowBytes = 160
const headId =
  /^\s*\{\s*"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*(-?\d{1,16}|"[\w.:-]{1,64}")\s*,\s*"(?:result|error)"\s*:/d
const tailHead = /^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"(?:result|error)"\s*:/
/** The one closing brace ends the message, so the member before it is the message's own. */
const tailId = /,\s*"id"\s*:\s*(-?\d{1,16}|"[\w.:-]{1,64}")\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/d

export type Span = { start: number; end: number }

/**
 * Where the id of a JSON-RPC response stands.
 * @param id JSON text of the id that is expected; any other id is not found
 */
export function findResponseId(body: { head: string; tail: string; length: number }, id: string): Span | null {
  const atHead = headId.exec(body.head)
  if (atHead) return toSpan(atHead, 0, id)
  if (!tailHead.test(body.head)) return null
  const atTail = tailId.exec(body.tail)
  return atTail ? toSpan(atTail, body.length - body.tail.length, id) : null
}

function toSpan(match: RegExpExecArray, offset: number, id: string): Span | null {
  const span = match.indices?.[1]
  if (!span || match[1] !== id) return null
  return { start: span[0] + offset, end: span[1] + offset }
}

/** Replaces the id of a response held as text; null when its shape is not a known one or the id is another. */
export function spliceTextId(text: string, from: string, to: string): string | null {
  const body = { head: text.slice(0, windowBytes), tail: text.slice(-windowBytes), length: text.length }
  const span = findResponseId(body, from)
  return span && text.slice(0, span.start) + to + text.slice(span.end)
}
