import { beforeEach, describe, expect, it } from 'vitest'
import { FakeClock } from '#test/support/fake-clock.ts'
import { SilenceWatch } from './silence-watch.ts'

let clock: FakeClock
let expiredAt: number[]
const startedAt = 1_000_000

function watch(): SilenceWatch {
  return new SilenceWatch({ clock, timeoutMs: 1_000, timeoutTotalMs: 5_000 }, () => void expiredAt.push(clock.now()))
}

beforeEach(() => {
  clock = new FakeClock(startedAt)
  expiredAt = []
})

describe('a silence watch', () => {
  it('expires once, after so long a silence', async () => {
    watch()
    await clock.advance(999)
    expect(expiredAt).toEqual([])
    await clock.advance(10_000)
    expect(expiredAt).toEqual([startedAt + 1_000])
    expect(clock.waiting).toBe(0)
  })

  it('counts from the last word', async () => {
    const watching = watch()
    await clock.advance(600)
    watching.alive()
    await clock.advance(999)
    expect(expiredAt).toEqual([])
    await clock.advance(1)
    expect(expiredAt).toEqual([startedAt + 1_600])
  })

  it('bounds the whole, however talkative the upstream is', async () => {
    const watching = watch()
    for (let passed = 0; passed < 6_000; passed += 500) {
      await clock.advance(500)
      watching.alive()
    }
    expect(expiredAt).toEqual([startedAt + 5_000])
  })

  it('allows a silence that was announced', async () => {
    const watching = watch()
    watching.alive(2_000)
    await clock.advance(2_999)
    expect(expiredAt).toEqual([])
    await clock.advance(1)
    expect(expiredAt).toEqual([startedAt + 3_000])
  })

  it('does not count while the upstream waits for us, in any of its questions', async () => {
    const watching = watch()
    watching.pause()
    watching.pause()
    await clock.advance(2_000)
    watching.resume()
    await clock.advance(1_500)
    expect(expiredAt).toEqual([])
    watching.resume()
    await clock.advance(1_000)
    expect(expiredAt).toEqual([startedAt + 4_500])
  })

  it('still bounds the whole while the upstream waits for us', async () => {
    watch().pause()
    await clock.advance(10_000)
    expect(expiredAt).toEqual([startedAt + 5_000])
  })

  it('leaves no timer once it is stopped', () => {
    watch().stop()
    expect(clock.waiting).toBe(0)
  })
})
