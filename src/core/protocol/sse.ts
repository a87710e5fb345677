/** Writes Server-Sent Events as MCP uses them. */

/** One `message` event. JSON text has no line breaks, so one `data:` line holds it. */
export function messageEvent(json: string, eventId?: string): string {
  return eventId === undefined
    ? `event: message\ndata: ${json}\n\n`
    : `event: message\nid: ${eventId}\ndata: ${json}\n\n`
}

/** The empty first event of a resumable stream (2025-11-25, transports): an id to resume from, and when. */
export function primingEvent(eventId: string, retryMs: number): string {
  return `id: ${eventId}\nretry: ${retryMs}\ndata: \n\n`
}

/** A comment: keeps proxies from closing an idle stream. */
export const keepAliveComment = ': keep-alive\n\n'
