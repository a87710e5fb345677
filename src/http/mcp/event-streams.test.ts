import { describe, expect, it } from 'vitest'
import { EventStreams, type StreamTaker } from './event-streams.ts'

function taker() {
  const events: string[] = []
  let ends = 0
  const own: StreamTaker = { write: (event) => void events.push(event), end: () => void ends++ }
  return { own, events, ends: () => ends, ids: () => events.flatMap((event) => /^id: (.*)$/m.exec(event)?.[1] ?? []) }
}

function found(streams: EventStreams, eventId: string) {
  const hit = streams.find(eventId)
  if (!hit) throw new Error(`${eventId} is not known`)
  return hit
}

describe('a stream', () => {
  it('gives each event an id that says the stream and the place in it', () => {
    const streams = new EventStreams()
    const [one, two] = [streams.open(), streams.open()]
    expect(one.priming()).toContain('id: 1_0\n')
    expect(one.event('{"a":1}')).toBe('event: message\nid: 1_1\ndata: {"a":1}\n\n')
    expect(two.event('{}')).toContain('id: 2_1\n')
    expect(one.event('{}')).toContain('id: 1_2\n')
  })

  it('is taken up again after the event that was seen last, and goes on', () => {
    const streams = new EventStreams()
    const stream = streams.open()
    for (let i = 0; i < 3; i++) stream.event(`${i}`)
    const client = taker()
    const { stream: same, sequence } = found(streams, '1_1')
    same.resume(sequence, client.own)
    expect(client.ids()).toEqual(['1_1', '1_2', '1_3'])
    stream.event('3')
    expect(client.ids().at(-1)).toBe('1_4')
    stream.end()
    expect(client.ends()).toBe(1)
  })

  it('that has ended is replayed to its end', () => {
    const streams = new EventStreams()
    const stream = streams.open()
    stream.event('answer')
    stream.end()
    const client = taker()
    found(streams, '1_0').stream.resume(0, client.own)
    expect(client.events.at(-1)).toContain('data: answer')
    expect(client.ends()).toBe(1)
  })

  it('has one taker: the newest one', () => {
    const stream = new EventStreams().open()
    const [old, young] = [taker(), taker()]
    stream.resume(0, old.own)
    stream.resume(0, young.own)
    stream.release(old.own)
    stream.event('x')
    expect(old.ends()).toBe(1)
    expect([old.events.length, young.events.length]).toEqual([1, 2])
    stream.release(young.own)
    stream.event('y')
    expect(young.events).toHaveLength(2)
  })

  it('is found by its own replica’s ids alone', () => {
    const [one, two] = [new EventStreams('replica_one'), new EventStreams('replica_two')]
    const stream = one.open()
    two.open()
    expect(stream.event('{}')).toContain('id: 1_1@replica_one\n')
    expect(one.find('1_1@replica_one')).toEqual({ stream, sequence: 1 })
    for (const id of ['1_1', '1_1@', '1_1@replica_two', 's1_1@replica_one', '1_1@replica_one@'])
      expect(one.find(id)).toBeNull()
    expect(two.find('1_1@replica_one')).toBeNull()
  })

  it.each(['', '1', '1_', 'x_1', '9_0', '1_1_1', '99999999999_1'])('is not found by %j', (eventId) => {
    const streams = new EventStreams()
    streams.open()
    expect(streams.find(eventId)).toBeNull()
  })
})

describe('the room', () => {
  it('is for so many events: the oldest are forgotten first', () => {
    const streams = new EventStreams()
    const stream = streams.open()
    for (let i = 1; i <= 600; i++) stream.event(`${i}`)
    const client = taker()
    stream.resume(0, client.own)
    expect(client.ids().slice(1)).toHaveLength(512)
    expect(client.ids()[1]).toBe('1_89')
  })

  it('is for so much text: an event that is larger is not kept at all', () => {
    const streams = new EventStreams()
    const stream = streams.open()
    stream.event('small')
    stream.event('x'.repeat(1_048_577))
    const client = taker()
    stream.resume(0, client.own)
    expect(client.ids()).toEqual(['1_0'])
    stream.event('small')
    expect(client.ids()).toEqual(['1_0', '1_3'])
  })

  it('is not taken by streams that have ended and hold nothing', () => {
    const streams = new EventStreams()
    for (let i = 0; i < 2_000; i++) {
      const stream = streams.open()
      stream.event('answer')
      stream.end()
    }
    expect(streams.size).toBe(512)
    for (let i = 0; i < 2_000; i++) streams.openStanding()
    expect(streams.size).toBe(513)
  })

  it('is kept for streams that go on', () => {
    const streams = new EventStreams()
    const running = streams.open()
    for (let i = 0; i < 600; i++) streams.open().event('x')
    expect(found(streams, '1_0').stream).toBe(running)
  })
})

describe('the standing stream', () => {
  it('is taken up again as what it was', () => {
    const streams = new EventStreams()
    const standing = streams.openStanding()
    standing.event('a')
    const { stream } = found(streams, 's1_0')
    expect(streams.find('1_0')).toBeNull()
    expect(stream.isStanding).toBe(true)
    expect(streams.open().isStanding).toBe(false)
    streams.stand(stream)
    expect(stream.hasEnded).toBe(false)
  })

  it('is one: the one before has ended, and can be taken up again while it is remembered', () => {
    const streams = new EventStreams()
    const [old, young] = [streams.openStanding(), streams.open()]
    old.event('a')
    const next = streams.openStanding()
    expect([old.hasEnded, young.hasEnded, next.hasEnded]).toEqual([true, false, false])
    streams.stand(old)
    expect([old.hasEnded, next.hasEnded]).toEqual([false, true])
  })
})
