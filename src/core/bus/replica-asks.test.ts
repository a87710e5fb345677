/** What only a bus that fails brings about; what every bus carries is in test/contracts/replica-asks.ts. */
import { beforeEach, describe, expect, it } from 'vitest'
import { createMemoryBus } from '#adapters/memory/bus.ts'
import type { JsonObject } from '#core/protocol/json-rpc.ts'
import type { Bus } from './bus.ts'
import { Cancellation } from '#core/upstream/cancellation.ts'
import { replicaAsksContract } from '#test/contracts/replica-asks.ts'
import { FakeClock, settled } from '#test/support/fake-clock.ts'
import { SwitchedBus } from '#test/support/switched-bus.ts'
import { ReplicaAsks } from './replica-asks.ts'

replicaAsksContract(async () => {
  const bus = createMemoryBus()
  return [bus, bus]
})

let clock: FakeClock
let lines: { one: SwitchedBus; two: SwitchedBus }
let one: ReplicaAsks
let two: ReplicaAsks
let asked: Cancellation | undefined

beforeEach(async () => {
  clock = new FakeClock()
  const bus = createMemoryBus()
  lines = { one: new SwitchedBus(bus), two: new SwitchedBus(bus) }
  one = new ReplicaAsks({ bus: lines.one, clock, id: 'one' })
  two = new ReplicaAsks({ bus: lines.two, clock, id: 'two' })
  asked = undefined
  two.serve('waits', (_, { cancellation }) => {
    asked = cancellation
    return new Promise(() => undefined)
  })
  await settled()
})

const ask = (): Promise<JsonObject | null> =>
  one.ask('two', { kind: 'waits', question: {} }, { cancellation: new Cancellation() })
const codeOf = async (answer: Promise<unknown>): Promise<unknown> =>
  answer.then(
    (value) => value,
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  )

describe('a replica that asks', () => {
  it('waits as long as the other one works', async () => {
    let isOver = false
    void ask().finally(() => (isOver = true))
    await clock.advance(600_000)
    expect([isOver, asked?.isCancelled]).toEqual([false, false])
  })

  it('says that it does not know, where its own line is away, and soon after that', async () => {
    lines.one.leave()
    expect(await codeOf(ask())).toBe('storage_unavailable')
    lines.one.comeBack()
    lines.two.leave()
    two.close()
    expect(await codeOf(ask())).toBe('storage_unavailable')
    await clock.advance(5_001)
    expect(await codeOf(ask())).toBe(null)
  })

  it('asks nobody while it would not hear the answer', async () => {
    const bus = createMemoryBus()
    const deaf: Bus = { publish: (topic, message) => bus.publish(topic, message), subscribe: () => () => undefined }
    let count = 0
    const other = new ReplicaAsks({ bus, clock, id: 'other' })
    other.serve('waits', async () => ({ count: ++count }))
    const asking = new ReplicaAsks({ bus: deaf, clock, id: 'deaf' })
    const answer = asking.ask('other', { kind: 'waits', question: {} }, { cancellation: new Cancellation() })
    expect(await codeOf(answer)).toBe('storage_unavailable')
    await settled()
    expect(count).toBe(0)
  })

  it('does not wait for one that is silent', async () => {
    const answer = codeOf(ask())
    await clock.advance(1_000)
    lines.two.leave()
    await clock.advance(11_000)
    expect(await answer).toBe('replica_lost')
    expect(one.size).toBe(0)
  })

  it('does not wait where it may have missed the answer; and the other one stops', async () => {
    const answer = codeOf(ask())
    await settled()
    lines.one.comeBack()
    expect(await answer).toBe('replica_lost')
    await settled()
    expect(asked?.isCancelled).toBe(true)
  })

  it('takes nothing from a replica that it has not asked', async () => {
    let answered: unknown
    void ask().then((answer) => (answered = answer))
    await settled()
    const end = { do: 'end', id: 'one:1', at: 0, isLast: true, text: '{"answer":{}}' }
    await lines.two.publish('replicas/one', { ...end, from: 'three' })
    await lines.two.publish('replicas/one', { do: 'end', from: 'two' })
    await settled()
    expect(answered).toBe(undefined)
    await lines.two.publish('replicas/one', { ...end, from: 'two' })
    await settled()
    expect(answered).toEqual({})
  })
})

describe('a replica that is asked', () => {
  it('stops when who asks cannot be reached any more', async () => {
    void ask().catch(() => undefined)
    await settled()
    lines.two.leave()
    await clock.advance(9_000)
    expect(asked?.isCancelled).toBe(false)
    await clock.advance(3_000)
    expect(asked?.isCancelled).toBe(true)
    expect(two.size).toBe(0)
  })

  it('does so much at once, and refuses what is more', async () => {
    const cancellation = new Cancellation()
    for (let n = 0; n < 2_000; n++)
      void one.ask('two', { kind: 'waits', question: {} }, { cancellation }).catch(() => undefined)
    expect(await codeOf(ask())).toBe('rate_limited')
    cancellation.cancel()
    await settled()
    expect([one.size, two.size]).toEqual([0, 0])
    void ask().catch(() => undefined)
    await settled()
    expect(two.size).toBe(1)
  })

  it('gives up a question of which a part was lost', async () => {
    const heard: JsonObject[] = []
    lines.one.subscribe('replicas/one', { onMessage: (frame) => heard.push(frame), onGap: () => undefined })
    const part = { do: 'ask', id: 'one:9', from: 'one', text: '{' }
    await lines.one.publish('replicas/two', { ...part, at: 0, isLast: false })
    await lines.one.publish('replicas/two', { ...part, at: 2, isLast: true })
    await settled()
    expect(heard.at(-1)).toMatchObject({ do: 'end', id: 'one:9', text: expect.stringContaining('replica_lost') })
    expect(two.size).toBe(0)
  })
})
