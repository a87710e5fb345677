import { createParser, type EventSourceParser } from 'eventsource-parser'
import type { Dispatcher } from 'undici'
import { GatewayError } from '#contract/errors.ts'
import type { Lease } from '#core/credential/lease.ts'
import type { ChannelEnd } from '#core/upstream/channel-wire.ts'
import type { ChannelPool } from './channel-pool.ts'
import { firstOf, toConnectError, toStatusError, withoutHeaders } from './sse-error.ts'

/** How the stream ended: `error` is for who waits for it to open. */
export type StreamEnd = ChannelEnd & { error: GatewayError }

export type StreamListener = {
  /** `data` is at most as long as the limit. */
  event(type: string, data: string): void
  /** Called once, last. */
  ended(end: StreamEnd): void
}

export interface EventStream {
  start(listener: StreamListener): void
  /** Replaces the listener, from the next event on. */
  listen(listener: StreamListener): void
  /** Nothing is called any more. The socket is the pool's to close. */
  stop(): void
}

export type StreamTarget = { pool: ChannelPool; url: URL; lease: Lease; messageBytesMax: number }

/** One GET of `text/event-stream` (WHATWG HTML §9.2). It may be silent for as long as it likes and is not resumed. */
export function createEventStream(target: StreamTarget): EventStream {
  const { pool, url, messageBytesMax } = target
  let listener: StreamListener | null = null
  const end = (reason: StreamEnd) => {
    const last = listener
    listener = null
    last?.ended(reason)
  }
  const parser = createParser({
    maxBufferSize: messageBytesMax,
    onEvent({ event, data }) {
      // The parser's limit is for what it keeps between two chunks: an event within one chunk passes it.
      if (Buffer.byteLength(data) > messageBytesMax) return end(tooLarge())
      listener?.event(event ?? 'message', data)
    },
    onError(error) {
      if (error.type === 'max-buffer-size-exceeded') end(tooLarge())
    },
  })
  return {
    start(first) {
      listener = first
      const { headers: sent } = target.lease
      pool.dispatch(
        {
          method: 'GET',
          path: url.pathname + url.search,
          headers: ['accept', 'text/event-stream', ...withoutHeaders(sent, ['accept'])],
          headersTimeout: 0,
          bodyTimeout: 0,
        },
        createHandler(parser, { isOn: () => listener !== null, end, sent }),
      )
    },
    listen(next) {
      if (listener !== null) listener = next
    },
    stop() {
      listener = null
    },
  }
}

type End = (reason: StreamEnd) => void

/** `sent`: what the lease's headers were. `isOn` is asked before each chunk: a parser that has reported its limit must not be fed. */
function createHandler(
  parser: EventSourceParser,
  { isOn, end, sent }: { isOn: () => boolean; end: End; sent: readonly string[] },
): Dispatcher.DispatchHandler {
  const decoder = new TextDecoder()
  return {
    // The library insists on it.
    onRequestStart() {},
    onResponseStart(_controller, status, headers) {
      // An interim answer; the final one follows.
      if (status < 200) return
      const refusal = findRefusal(status, headers, sent)
      if (refusal !== null) end({ kind: 'lost', text: 'The server refused the stream.', error: refusal })
    },
    onResponseData(_controller, chunk) {
      if (isOn()) parser.feed(decoder.decode(chunk, { stream: true }))
    },
    onResponseEnd() {
      const error = new GatewayError('upstream_unreachable', { details: { reason: 'stream_ended' } })
      end({ kind: 'lost', text: 'The server ended the stream.', error })
    },
    onResponseError(_controller, error) {
      end({ kind: 'lost', text: 'The connection broke.', error: toConnectError(error) })
    },
  }
}

type Headers = Record<string, string | string[] | undefined>

function findRefusal(status: number, headers: Headers, sent: readonly string[]): GatewayError | null {
  if (status >= 300) return toStatusError(status, { challenge: firstOf(headers['www-authenticate']), sent })
  const [mediaType = ''] = String(headers['content-type'] ?? '').split(';')
  const isStream = status === 200 && mediaType.trim().toLowerCase() === 'text/event-stream'
  return isStream ? null : new GatewayError('upstream_protocol', { details: { status } })
}

function tooLarge(): StreamEnd {
  const error = new GatewayError('upstream_too_large')
  return { kind: 'too_large', text: 'The server sent an event over the size limit.', error }
}
