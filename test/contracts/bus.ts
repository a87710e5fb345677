/** What every Bus does, whatever carries it. */
import { describe, expect, it } from 'vitest'
import { busMessageCharsMax } from '#core/bus/bus-message.ts'
import type { Bus } from '#core/bus/bus.ts'
import type { JsonObject } from '#core/protocol/json-rpc.ts'
import { until } from '#test/support/until.ts'

export type Heard = { messages: JsonObject[]; gaps: number; stop: () => void }

/** Listens, and waits until it hears. */
export async function listenOn(bus: Bus, topic: string): Promise<Heard> {
  const heard: Heard = { messages: [], gaps: 0, stop: () => undefined }
  heard.stop = bus.subscribe(topic, {
    onMessage: (message) => heard.messages.push(message),
    onGap: () => heard.gaps++,
  })
  await until(`${topic} is listened to`, () => heard.gaps > 0, { timeoutMs: 10_000 })
  return heard
}

const untilHeard = (heard: Heard, count: number): Promise<void> =>
  until(`${count} messages`, () => heard.messages.length >= count, { timeoutMs: 10_000 })

/** `create` gives two replicas' ends of one bus on which nothing has been said yet. */
export function busContract(create: () => Promise<[Bus, Bus]>): void {
  describe('a Bus', () => {
    it('carries a message to every listener of its topic, on every replica', async () => {
      const [one, two] = await create()
      const all = [await listenOn(one, 't'), await listenOn(one, 't'), await listenOn(two, 't')]
      expect(await one.publish('t', { text: 'é😀\u0000', deep: { list: [1, null, true] } })).toBe(true)
      for (const heard of all) {
        await untilHeard(heard, 1)
        expect(heard.messages).toEqual([{ text: 'é😀\u0000', deep: { list: [1, null, true] } }])
      }
    })

    it('tells the publisher’s own replica after publish has returned', async () => {
      const [one] = await create()
      const heard = await listenOn(one, 't')
      const published = one.publish('t', { n: 1 })
      expect(heard.messages).toEqual([])
      await published
      expect(heard.messages).toEqual([{ n: 1 }])
    })

    it('keeps topics apart', async () => {
      const [one, two] = await create()
      const [a, b] = [await listenOn(two, 'a'), await listenOn(two, 'b')]
      await one.publish('b', { n: 1 })
      await untilHeard(b, 1)
      expect(a.messages).toEqual([])
    })

    it('keeps the order of one publisher, and carries each message once', async () => {
      const [one, two] = await create()
      const [here, there] = [await listenOn(one, 't'), await listenOn(two, 't')]
      const numbers = Array.from({ length: 500 }, (_, n) => ({ n }))
      await Promise.all(numbers.map((message) => one.publish('t', message)))
      await untilHeard(there, 500)
      await one.publish('t', { n: 500 })
      await untilHeard(there, 501)
      expect(there.messages).toEqual([...numbers, { n: 500 }])
      expect(here.messages).toEqual([...numbers, { n: 500 }])
    })

    it('gives each listener a message of its own', async () => {
      const [one] = await create()
      const message = { list: [1] }
      const [first, second] = [await listenOn(one, 't'), await listenOn(one, 't')]
      await one.publish('t', message)
      await untilHeard(second, 1)
      message.list.push(2)
      Object.assign(first.messages[0] ?? {}, { list: [3] })
      expect(second.messages).toEqual([{ list: [1] }])
    })

    it('tells those who end their subscription nothing more', async () => {
      const [one, two] = await create()
      const [gone, stays] = [await listenOn(two, 't'), await listenOn(two, 't')]
      gone.stop()
      gone.stop()
      await one.publish('t', { n: 1 })
      await untilHeard(stays, 1)
      expect(gone.messages).toEqual([])
      stays.stop()
      const again = await listenOn(two, 't')
      await one.publish('t', { n: 2 })
      await untilHeard(again, 1)
      expect([again.messages, stays.messages]).toEqual([[{ n: 2 }], [{ n: 1 }]])
    })

    it('lets no listener’s failure keep the others from hearing', async () => {
      const [one, two] = await create()
      const fail = (): never => {
        throw new Error('a defect')
      }
      two.subscribe('t', { onMessage: fail, onGap: fail })
      const heard = await listenOn(two, 't')
      await one.publish('t', { n: 1 })
      await untilHeard(heard, 1)
      expect(heard.messages).toEqual([{ n: 1 }])
    })

    it('says whether somebody listens', async () => {
      const [one, two] = await create()
      expect(await one.publish('t', {})).toBe(false)
      const heard = await listenOn(two, 't')
      expect(await one.publish('t', {})).toBe(true)
      heard.stop()
      await until('nobody listens', async () => !(await one.publish('t', {})))
    })

    it('carries nothing that is too large', async () => {
      const [one, two] = await create()
      const heard = await listenOn(two, 't')
      expect(() => void one.publish('t', { text: 'x'.repeat(busMessageCharsMax) })).toThrow(RangeError)
      const largest = { text: 'x'.repeat(busMessageCharsMax - '{"text":""}'.length) }
      await one.publish('t', largest)
      await untilHeard(heard, 1)
      expect(heard.messages).toEqual([largest])
    })
  })
}
