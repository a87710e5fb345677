/** Streamable HTTP, GET and DELETE: the stream for what belongs to no request, streams taken up again, the end of a session. */
import type { ServerResponse } from 'node:http'
import { single } from '#core/protocol/mcp-headers.ts'
import { keepAliveComment, messageEvent } from '#core/protocol/sse.ts'
import type { RpcMessage } from '#core/protocol/json-rpc.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import { GatewayError } from '#contract/errors.ts'
import type { ClientSession } from '#gateway/client/client-session.ts'
import type { Outlet } from '#gateway/client/open-questions.ts'
import { parseEventId, type EventStream, type EventStreams } from './event-streams.ts'
import { refuse } from '#http/refuse.ts'
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

/** @throws GatewayError `event_unknown` */
function openStream(context: PostContext, session: ClientSession): void {
  const eventId = single(context.req.headers, 'last-event-id')
  const streams = context.deps.streams.of(session)
  if (!streams) return follow(context, session, null)
  if (eventId === undefined) return follow(context, session, newPlace(streams))
  const resumed = streams.find(eventId)
  if (!resumed) return openUnknown(context, session, { streams, eventId })
  if (!resumed.stream.isStanding) return resume(context, session, resumed)
  streams.stand(resumed.stream)
  follow(context, session, resumed)
}

/** @throws GatewayError `event_unknown` */
function openUnknown(context: PostContext, session: ClientSession, asked: Omit<There, 'replica'>): void {
  const place = parseEventId(asked.eventId)
  const isElsewhere = place?.replica !== context.deps.streams.replica
  if (!place?.replica || (place.isStanding && !isElsewhere)) return follow(context, session, newPlace(asked.streams))
  const there = { ...asked, replica: place.replica }
  if (place.isStanding) return followAfter(context, session, there)
  // Another stream in its place would leave the client waiting for an answer that does not come.
  if (!isElsewhere) throw new GatewayError('event_unknown')
  resumeElsewhere(context, session, there)
}

type Place = { stream: EventStream; sequence: number }
/** What another replica has written. */
type There = { streams: EventStreams; eventId: string; replica: string }

function newPlace(streams: EventStreams): Place {
  return { stream: streams.openStanding(), sequence: 0 }
}

/** From now on the answer is a stream, that is kept alive and ends with its session. */
function begin({ res, deps }: PostContext, session: ClientSession): void {
  res.writeHead(200, { ...streamHeaders, 'mcp-session-id': session.id })
  res.flushHeaders()
  const keep: OpenReply = { startedAt: 0, keepAlive: () => void res.write(keepAliveComment) }
  const forget = deps.replies.add(keep)
  const forgetEnd = session.onEnd(() => void res.end())
  res.once('close', () => {
    forget()
    forgetEnd()
  })
}

/** What belongs to no request goes to the newest GET: it is the one that is listened on. */
function follow(context: PostContext, session: ClientSession, place: Place | null): void {
  const { res, deps } = context
  begin(context, session)
  place?.stream.replay(place.sequence, (event) => writeBounded(res, event))
  const outlet: Outlet = (message) => writeBounded(res, toEvent(message, place))
  res.once('close', deps.gateway.shared.listen(session, outlet))
}

function toEvent(message: RpcMessage, place: Place | null): string {
  const json = JSON.stringify(message)
  return place ? place.stream.event(json) : messageEvent(json)
}

function resume(context: PostContext, session: ClientSession, resumed: Place): void {
  const { res } = context
  begin(context, session)
  const taker = { write: (event: string) => writeBounded(res, event), end: () => void res.end() }
  resumed.stream.resume(resumed.sequence, taker)
  res.once('close', () => resumed.stream.release(taker))
}

/** What was said on another replica comes first. What is said meanwhile is held back, and not lost: this stream is listened on already. */
function followAfter(context: PostContext, session: ClientSession, there: There): void {
  const { res, deps } = context
  begin(context, session)
  const place = newPlace(there.streams)
  let held: string[] | null = []
  const outlet: Outlet = (message) => {
    const event = toEvent(message, place)
    if (held) held.push(event)
    else writeBounded(res, event)
  }
  res.once('close', deps.gateway.shared.listen(session, outlet))
  const goOn = (): void => {
    for (const event of [place.stream.priming(), ...(held ?? [])]) writeBounded(res, event)
    held = null
  }
  const write = (event: string): void => writeBounded(res, event)
  // Where what was missed is not to be had, the client hears at least what is still to come.
  void askElsewhere(context, session, { ...there, write }).then(goOn, goOn)
}

/** The stream of a request that another replica works on. */
function resumeElsewhere(context: PostContext, session: ClientSession, there: There): void {
  const { res } = context
  const write = (event: string): void => {
    if (!res.headersSent && !res.destroyed) begin(context, session)
    writeBounded(res, event)
  }
  askElsewhere(context, session, { ...there, write }).then(
    () => void res.end(),
    (error: unknown) => {
      // A stream that breaks is asked for again.
      if (res.headersSent) res.destroy()
      else if (!res.destroyed) refuse(context, error)
    },
  )
}

function askElsewhere(
  { res, deps }: PostContext,
  session: ClientSession,
  { replica, eventId, write }: There & { write: (event: string) => void },
): Promise<void> {
  const cancellation = new Cancellation()
  res.once('close', () => cancellation.cancel())
  return deps.streamsElsewhere.resume({ replica, session, eventId, cancellation, write })
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
