import { GatewayError } from '#contract/errors.ts'
import type { Lease } from '#core/credential/lease.ts'
import { isNestedTooDeeply } from '#core/protocol/scan.ts'
import type { Channel, ChannelEnd, ChannelEvents } from '#core/upstream/channel-wire.ts'
import type { ChannelPool } from './channel-pool.ts'
import { createEventStream, type EventStream } from './event-stream.ts'
import { createPostQueue } from './post-queue.ts'
import { toAbortError } from './sse-error.ts'

export type SseTarget = {
  /** Belongs to the channel, which destroys it. */
  pool: ChannelPool
  url: URL
  lease: Lease
  messageBytesMax: number
  connectTimeoutMs: number
  postTimeoutMs: number
}

/** What is longer is no address. */
const endpointCharsMax = 8192

/** Opens the stream; resolves when it has named the address to post to. When it rejects, nothing is left open. */
export async function openSseChannel(target: SseTarget, events: ChannelEvents, signal: AbortSignal): Promise<Channel> {
  try {
    return await startSseChannel(target, events, signal)
  } catch (error) {
    await target.pool.destroy()
    throw error
  }
}

function startSseChannel(target: SseTarget, events: ChannelEvents, signal: AbortSignal): Promise<Channel> {
  const stream = createEventStream(target)
  return new Promise((resolve, reject) => {
    const settle = () => {
      clearTimeout(deadline)
      signal.removeEventListener('abort', onAbort)
    }
    const fail = (error: GatewayError) => {
      settle()
      stream.stop()
      reject(error)
    }
    const onAbort = () => fail(toAbortError(signal))
    const deadline = setTimeout(() => fail(new GatewayError('upstream_timeout')), target.connectTimeoutMs)
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })

    stream.start({
      event(type, data) {
        if (type !== 'endpoint' && type !== 'message') return
        const endpoint = type === 'endpoint' ? parseEndpoint(data, target.url) : null
        if (endpoint === null) return fail(new GatewayError('upstream_protocol'))
        settle()
        resolve(createSseChannel({ ...target, stream, endpoint }, events))
      },
      ended: (end) => fail(end.error),
    })
  })
}

/** The endpoint decides where our credential goes, so it stays on the origin that was configured. */
function parseEndpoint(data: string, base: URL): URL | null {
  const endpoint = data.length > endpointCharsMax ? null : URL.parse(data, base.href)
  return endpoint?.origin === base.origin ? endpoint : null
}

type OpenTarget = SseTarget & { stream: EventStream; endpoint: URL }

function createSseChannel(target: OpenTarget, events: ChannelEvents): Channel {
  const { pool, stream } = target
  const posts = createPostQueue(target)
  let isOver = false

  function end({ kind, text }: ChannelEnd): Promise<void> {
    stream.stop()
    const gone = pool.destroy()
    if (!isOver) {
      isOver = true
      events.closed({ kind, text })
    }
    return gone
  }

  stream.listen({
    event(type, data) {
      // Some servers keep the connection alive with events that are empty.
      if (type !== 'message' || data === '') return
      let message: unknown
      try {
        message = JSON.parse(data)
      } catch {
        void end({ kind: 'garbage', text: 'The server sent a message that is not JSON.' })
        return
      }
      if (isNestedTooDeeply(data)) {
        void end({ kind: 'garbage', text: 'The server sent a message that is nested too deeply.' })
        return
      }
      events.message(message)
    },
    ended: (reason) => void end(reason),
  })

  return {
    send: (text, headers) => (isOver ? Promise.reject(new GatewayError('upstream_closed')) : posts.send(text, headers)),
    close: () => end({ kind: 'closed', text: 'The gateway closed the channel.' }),
  }
}
