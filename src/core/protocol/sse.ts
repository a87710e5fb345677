/** Writes Server-Sent Events as MCP uses them. */

/** One `message` event. */
export function messageEvent(json: string, eventId?: string): string {
  const line = toOneLine(json)
  return eventId === undefined
    ? `event: message\ndata: ${line}\n\n`
    : `event: message\nid: ${eventId}\ndata: ${line}\n\n`
}

/**
 * An upstream's own text may hold line breaks. In JSON they stand between tokens, where a space means the same; here they would end the
 * line, and what follows would be an event of the upstream's making.
 */
function toOneLine(json: string): string {
  return json.includes('\n') || json.includes('\r') ? json.replace(/[\r\n]+/g, ' ') : json
}

/** The empty first event of a resumable stream (2025-11-25, transports): an id to resume from, and when. */
export function primingEvent(eventId: string, retryMs: number): string {
  return `id: ${eventId}\nretry: ${retryMs}\ndata: \n\n`
}

/** A comment: keeps proxies from closing an idle stream. */
export const keepAliveComment = ': keep-alive\n\n'
