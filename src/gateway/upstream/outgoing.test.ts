import { beforeEach, describe, expect, it } from 'vitest'
import { settled } from '#test/support/fake-clock.ts'
import { Outgoing } from './outgoing.ts'

let sent: { text: string; taken: PromiseWithResolvers<void> }[]
let outgoing: Outgoing

beforeEach(() => {
  sent = []
  outgoing = new Outgoing((text) => {
    const taken = Promise.withResolvers<void>()
    sent.push({ text, taken })
    return taken.promise
  })
})

const texts = () => sent.map(({ text }) => text)
const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i))

describe('what is said', () => {
  it('goes out a few at once, in its order, each when another has been taken', async () => {
    const said = numbers(40).map((text) => outgoing.say(text))
    expect(texts()).toEqual(numbers(16))
    sent[3]?.taken.resolve()
    await said[3]
    await settled()
    expect(texts()).toEqual(numbers(17))
    for (let at = 0; at < 40; at++) {
      sent[at]?.taken.resolve()
      await settled()
    }
    await Promise.all(said)
    expect(texts()).toEqual(numbers(40))
  })

  it('makes room also where it is not taken, which nobody is told', async () => {
    const said = numbers(17).map((text) => outgoing.say(text))
    sent[0]?.taken.reject(new Error('lost'))
    await said[0]
    await settled()
    expect(texts()).toEqual(numbers(17))
  })

  it('is dropped where too much waits already, however large a single message may be', async () => {
    for (const text of numbers(16)) void outgoing.say(text)
    void outgoing.say('x'.repeat(9_000_000))
    await outgoing.say('dropped')
    for (let at = 0; at < 17; at++) {
      sent[at]?.taken.resolve()
      await settled()
    }
    expect(sent.map(({ text }) => text.length)).toEqual([...numbers(16).map(({ length }) => length), 9_000_000])
    void outgoing.say('again')
    expect(texts().at(-1)).toBe('again')
  })

  it('is over for what waits when the session ends', async () => {
    const said = numbers(20).map((text) => outgoing.say(text))
    outgoing.end()
    await Promise.all(said.slice(16))
    for (const { taken } of sent) taken.resolve()
    await Promise.all(said)
    expect(texts()).toEqual(numbers(16))
  })
})
