/** Streamable HTTP, GET and DELETE: the stream for what belongs to no request, streams taken up again, the end of a session. */
import type { ServerResponse } from 'node:http'
import { single } from '#core/protocol/mcp-headers.ts'
import { keepAliveComment, messageEvent } from '#core/protocol/sse.ts'
import { GatewayError } from '#contract/errors.ts'
import type { ClientSession } from '#gateway/client/client-session.ts'
import type { Outlet } from '#gateway/client/open-questions.ts'
import type { EventStream } from './event-streams.ts'
import type { OpenReply } from './open-replies.ts'
import { withSession, type PostContext } from './post-context.ts'

const streamHeaders = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'x-accel-buffering': 'no' }
/** A client that does not read what it asked for is let go before it fills the memory. */
const backlogBytesMax = 4_194_304

/** @throws GatewayError `not_acceptable` */
export function handleGet(context: PostContext): void {
  const accept = context.req.headers.accept ?? '*/*'
  if (!accept.includes('text/event-stream') && !accept.includes('*/*')) throw new GatewayError('not_acceptable')
  withSession(context, { id: null }, (session) => openStream(context, session))
}

function openStream({ req, res, deps }: PostContext, session: ClientSession): void {
  const lastEventId = single(req.headers, 'last-event-id')
  const streams = deps.streams.of(session)
  const resumed = lastEventId === undefined ? null : (streams?.find(lastEventId) ?? null)
  res.writeHead(200, { ...streamHeaders, 'mcp-session-id': session.id })
  res.flushHeaders()
  const keep: OpenReply = { startedAt: 0, keepAlive: () => void res.write(keepAliveComment) }
  const forget = deps.replies.add(keep)
  const forgetEnd = session.onEnd(() => void res.end())
  res.once('close', () => {
    forget()
    forgetEnd()
  })
  const follow = (place: Place | null): void => {
    const outlet = toOutlet(res, place)
    res.once('close', deps.gateway.shared.listen(session, outlet))
  }
  if (!streams) follow(null)
  else if (!resumed) follow({ stream: streams.openStanding(), sequence: 0 })
  else if (resumed.stream.isStanding) {
    streams.stand(resumed.stream)
    follow(resumed)
  } else resume(res, resumed)
}

type Place = { stream: EventStream; sequence: number }

function resume(res: ServerResponse, resumed: Place): void {
  const taker = { write: (event: string) => writeBounded(res, event), end: () => void res.end() }
  resumed.stream.resume(resumed.sequence, taker)
  res.once('close', () => resumed.stream.release(taker))
}

/** What follows goes to the newest GET: it is the one that is listened on. */
function toOutlet(res: ServerResponse, place: Place | null): Outlet {
  place?.stream.replay(place.sequence, (event) => writeBounded(res, event))
  return (message) => {
    const json = JSON.stringify(message)
    writeBounded(res, place ? place.stream.event(json) : messageEvent(json))
  }
}

export function writeBounded(res: ServerResponse, event: string): void {
  if (res.destroyed) return
  if (res.writableLength > backlogBytesMax) res.destroy()
  else res.write(event)
}

export function handleDelete(context: PostContext): void {
  const { res, requestId, receivedAt, deps } = context
  withSession(context, { id: null }, (session) => {
    const ended = deps.gateway.endSession(session, { requestId, receivedAt, method: 'DELETE' })
    void ended.then(() => res.writeHead(204).end())
  })
}
