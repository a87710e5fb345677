/** Takes Server-Sent Events apart with eventsource-parser, under a size limit. */
import { createParser } from 'eventsource-parser'
import { GatewayError } from '#contract/errors.ts'
import type { CreateEventReader } from '#core/upstream/event-reader.ts'

export const createEventReader: CreateEventReader = (handlers, { eventBytesMax }) => {
  const decoder = new TextDecoder()
  let hasFailed = false
  const fail = (): void => {
    if (hasFailed) return
    hasFailed = true
    handlers.failed(new GatewayError('upstream_too_large', { details: { eventBytesMax } }))
  }
  const parser = createParser({
    maxBufferSize: eventBytesMax,
    onEvent: ({ data, id }) => {
      // The parser bounds what it holds back; an event that comes in one piece it does not hold.
      if (data.length > eventBytesMax) fail()
      else if (!hasFailed) handlers.event(data, id)
    },
    onRetry: (delayMs) => handlers.retry(delayMs),
    onError: ({ type }) => {
      // Unknown fields and bad retry values are to be ignored, says the standard; only the size is a failure.
      if (type === 'max-buffer-size-exceeded') fail()
    },
  })
  return {
    push: (bytes) => {
      if (!hasFailed) parser.feed(decoder.decode(bytes, { stream: true }))
    },
  }
}
