import { createParser } from 'eventsource-parser'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keepAliveComment, messageEvent, primingEvent } from './sse.ts'

function parse(text: string) {
  const events: { event: string | undefined; id: string | undefined; data: string }[] = []
  let retryMs: number | undefined
  const parser = createParser({
    onEvent: ({ event, id, data }) => events.push({ event, id, data }),
    onRetry: (ms) => (retryMs = ms),
  })
  parser.feed(text)
  return { events, retryMs }
}

describe('messageEvent', () => {
  it('is read back as one event of the same JSON, however the JSON is laid out', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2, '\r\n', '\r'), (value, indent) => {
        const json = JSON.stringify(value, null, indent)
        const { events } = parse(messageEvent(json, '3_14'))
        expect(events).toHaveLength(1)
        expect(events[0]).toMatchObject({ event: 'message', id: '3_14' })
        expect(JSON.parse(events[0]?.data ?? '')).toEqual(JSON.parse(json))
      }),
    )
  })

  it('has no id where it is given none', () => {
    expect(parse(messageEvent('{}')).events).toEqual([{ event: 'message', id: undefined, data: '{}' }])
  })
})

describe('primingEvent', () => {
  it('gives an id to resume from and a delay', () => {
    const text = primingEvent('1_0', 1_000)
    expect(text).toBe('id: 1_0\nretry: 1000\ndata: \n\n')
    expect(parse(text).retryMs).toBe(1_000)
  })
})

describe('keepAliveComment', () => {
  it('is no event', () => {
    expect(parse(keepAliveComment + messageEvent('1') + keepAliveComment).events).toHaveLength(1)
  })
})
