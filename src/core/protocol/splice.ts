/**
 * Changes the id of a JSON-RPC response without re-serialising it. Only the shapes that real peers write are
 * recognised, at the very head or the very tail, where they cannot be anything but top-level members; for every other shape the answer
 * is null and the caller parses.
 */

const windowChars = 160
/** An object as the result, or an error that begins as errors do: what else stands there is looked at by a parser. */
const outcome = String.raw`"(?:result"\s*:\s*\{|error"\s*:\s*\{\s*"code"\s*:\s*-?\d+\s*,\s*"message"\s*:\s*")`
const headId = new RegExp(
  String.raw`^\s*\{\s*"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*(-?\d{1,16}|"[\w.:-]{1,64}")\s*,\s*${outcome}`,
  'd',
)
const tailHead = new RegExp(String.raw`^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?${outcome}`)
/** A text that was cut off, or that goes on after its end, does not end so. */
const lastBrace = /\}\s*$/
/** The one closing brace ends the message, so the member before it is the message's own. */
const tailId = /,\s*"id"\s*:\s*(-?\d{1,16}|"[\w.:-]{1,64}")\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/d

export type Span = { start: number; end: number }

/**
 * Where the id of a JSON-RPC response stands.
 * @param text one character for each byte, or for each UTF-16 unit: the span counts what the text counts
 * @param id JSON text of the id that is expected; any other id is not found
 */
export function findResponseId(text: string, id: string): Span | null {
  return findAsWritten(text, id) ?? findAsMatched(text, id)
}

const headOpening = '{"jsonrpc":"2.0","id":'
const tailOpening = '{"result":{'
const tailJoint = ',"jsonrpc":"2.0","id":'

/** The two texts that most servers write, compared as they are: quicker than a pattern. */
function findAsWritten(text: string, id: string): Span | null {
  if (text.startsWith(`${headOpening}${id},"result":{`)) {
    const end = headOpening.length + id.length
    return text.endsWith('}}') && !mayHoldId(text, end) ? { start: headOpening.length, end } : null
  }
  if (!text.startsWith(tailOpening) || !text.endsWith(`}${tailJoint}${id}}`)) return null
  return { start: text.length - 1 - id.length, end: text.length - 1 }
}

function findAsMatched(text: string, id: string): Span | null {
  const head = text.slice(0, windowChars)
  const atHead = headId.exec(head)
  if (atHead) {
    const span = toSpan(atHead, 0, id)
    return span && lastBrace.test(text.slice(-windowChars)) && !mayHoldId(text, span.end) ? span : null
  }
  if (!tailHead.test(head)) return null
  const tail = text.slice(-windowChars)
  const atTail = tailId.exec(tail)
  return atTail ? toSpan(atTail, text.length - tail.length, id) : null
}

/** Whether a text that begins so is the response to `id`, as far as its beginning says. */
export function isResponseHead(head: string, id: string): boolean {
  return headId.exec(head.slice(0, windowChars))?.[1] === id
}

/** Of two equal keys the last counts: an upstream that adds a second id would answer another request of the client's. */
function mayHoldId(text: string, from: number): boolean {
  return text.includes('"id"', from) || text.includes(escapedLetterOfId, from)
}

/** How the escapes of `i` and `d` begin. */
const escapedLetterOfId = String.raw`\u006`

function toSpan(match: RegExpExecArray, offset: number, id: string): Span | null {
  const span = match.indices?.[1]
  if (!span || match[1] !== id) return null
  return { start: span[0] + offset, end: span[1] + offset }
}

/** Replaces the id of a response held as text; null when its shape is not a known one or the id is another. */
export function spliceTextId(text: string, from: string, to: string): string | null {
  const span = findResponseId(text, from)
  return span && text.slice(0, span.start) + to + text.slice(span.end)
}
