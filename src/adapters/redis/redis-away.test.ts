/** How what stands on Redis bears its going away: killed and started again, and stopped, so that it is there and answers nothing. */
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '#compose/system-clock.ts'
import type { Charge } from '#core/limits/counters.ts'
import { openLink } from '#test/support/redis-link.ts'
import { describeWithRedis, startRedis, type TestRedis } from '#test/support/redis.ts'
import { until } from '#test/support/until.ts'
import { listenOn } from '#test/contracts/bus.ts'
import { mcpSessionRecord } from '#test/contracts/mcp-session-records.ts'
import { createRedisBus } from './bus.ts'
import { createRedisCounters } from './counters.ts'
import { createRedisLocks } from './locks.ts'
import { createRedisMcpSessionRecords } from './mcp-session-records.ts'
import { RedisLink } from './redis-link.ts'

const clock = systemClock
const unavailable = expect.objectContaining({ code: 'storage_unavailable' })
/** What is promised is a second; this machine may be busy with other things. */
const waitMsMax = 3_000
const patience = { timeoutMs: 10_000 }

describeWithRedis('Redis away', () => {
  let redis: TestRedis
  let opened: AsyncDisposableStack
  beforeEach(async () => {
    opened = new AsyncDisposableStack()
    redis = opened.use(await startRedis())
  }, 20_000)
  afterEach(() => opened.disposeAsync(), 20_000)

  /** With the product's own times. */
  const open = async (onChange?: (cause: { error: unknown } | null) => void): Promise<RedisLink> =>
    opened.use(await openLink(redis, { prefix: 'test:', times: undefined, ...(onChange ? { onChange } : {}) }))

  const leave = { killed: () => redis.kill(), stalled: async () => redis.stall() }
  const comeBack = { killed: () => redis.start(), stalled: async () => redis.resume() }
  const ways = ['killed', 'stalled'] as const

  const untilUp = (link: RedisLink): Promise<void> => until('Redis is back', () => !link.isAway, patience)

  it.each(ways)('%s: every call ends in time, and says that it is away', async (way) => {
    const link = await open()
    const records = createRedisMcpSessionRecords(link)
    const locks = createRedisLocks({ link, clock })
    const held = await locks.tryLock('held', 60_000)
    if (!held) throw new Error('nobody else wants it')
    await leave[way]()
    for (let round = 0; round < 3; round++) {
      const started = performance.now()
      const calls = [
        records.put(mcpSessionRecord('mcp_1'), 1_000),
        records.get('mcp_1'),
        records.touch([{ id: 'mcp_1', idleMs: 1_000 }]),
        records.end('mcp_1', 1_000),
        locks.tryLock('other', 1_000),
        held.renew(1_000),
      ]
      const results = await Promise.allSettled(calls)
      expect(results).toEqual(calls.map(() => ({ status: 'rejected', reason: unavailable })))
      await held.release()
      expect(performance.now() - started).toBeLessThan(waitMsMax)
    }
    expect(link.isAway).toBe(true)
  })

  it('stalled: every call ends in time also where more and more are made', async () => {
    const link = await open()
    redis.stall()
    const waits: number[] = []
    for (let n = 0; n < 100; n++) {
      const started = performance.now()
      void link.send(['PING']).catch(() => waits.push(performance.now() - started))
      await delay(50)
    }
    await until('they have ended', () => waits.length === 100, patience)
    expect(Math.max(...waits)).toBeLessThan(waitMsMax)
  })

  it.each(ways)('%s: it is used again as soon as it is back', async (way) => {
    const link = await open()
    const records = createRedisMcpSessionRecords(link)
    await leave[way]()
    await expect(records.get('mcp_1')).rejects.toEqual(unavailable)
    await comeBack[way]()
    await untilUp(link)
    expect(await records.put(mcpSessionRecord('mcp_1'), 60_000)).toBe(true)
    expect(await records.get('mcp_1')).toEqual(mcpSessionRecord('mcp_1'))
  })

  it('stalled: it is noticed also where nobody asks for anything', async () => {
    const changes: string[] = []
    const link = await open((cause) => changes.push(cause ? 'away' : 'back'))
    redis.stall()
    await until('it is noticed', () => changes.includes('away'), patience)
    redis.resume()
    await untilUp(link)
    expect(changes).toEqual(['away', 'back'])
  })

  it('killed: its going and coming are told once each', async () => {
    const changes: string[] = []
    const link = await open((cause) => changes.push(cause ? 'away' : 'back'))
    await redis.kill()
    await until('it is noticed', () => changes.length > 0, patience)
    // Several tries to connect.
    await delay(1_000)
    expect(changes).toEqual(['away'])
    await redis.start()
    await untilUp(link)
    expect(changes).toEqual(['away', 'back'])
  })

  it('not there at the start: it is waited for only so long, and used as soon as it comes', async () => {
    await redis.kill()
    const link = opened.use(new RedisLink({ url: redis.url, prefix: 'test:', clock }))
    const started = performance.now()
    await link.untilUp(300)
    expect(performance.now() - started).toBeLessThan(waitMsMax)
    await expect(link.send(['PING'])).rejects.toEqual(unavailable)
    await redis.start()
    await link.untilUp(10_000)
    expect(await link.send(['PING'])).toBe('PONG')
  })

  it('is away where the password is wrong, without telling it', async () => {
    expect(await redis.ask('CONFIG SET requirepass right')).toBe('OK')
    const changes: unknown[] = []
    const url = redis.url.replace('//', '//:s3cretwrong@')
    const link = opened.use(new RedisLink({ url, prefix: '', clock, onChange: (cause) => changes.push(cause?.error) }))
    await until('it is refused', () => changes.length > 0, patience)
    expect(link.isAway).toBe(true)
    expect(String(changes[0])).toMatch(/WRONGPASS/)
    expect(String(changes[0])).not.toContain('s3cretwrong')
    expect(await redis.ask('PING').catch(String)).toMatch(/NOAUTH/)
  })

  it('takes a server that may not write any more for one that is away, and asks anew where it is', async () => {
    const link = await open()
    const records = createRedisMcpSessionRecords(link)
    await redis.ask('REPLICAOF 127.0.0.1 1')
    await expect(records.put(mcpSessionRecord('mcp_1'), 60_000)).rejects.toEqual(unavailable)
    await redis.ask('REPLICAOF NO ONE')
    await untilUp(link)
    expect(await records.put(mcpSessionRecord('mcp_1'), 60_000)).toBe(true)
  })

  it('does not take a pause of its own for one of Redis', async () => {
    const changes: unknown[] = []
    const link = await open((cause) => changes.push(cause))
    const answer = link.send(['PING'])
    const end = performance.now() + 700
    while (performance.now() < end);
    expect(await answer).toBe('PONG')
    expect(changes).toEqual([])
  })

  it.each(ways)('%s: limits let through, and count again afterwards', async (way) => {
    const link = await open()
    const counters = createRedisCounters(link)
    const charge: Charge = { key: 'k', limit: { kind: 'window', max: 1, windowMs: 60_000 }, cost: 1 }
    await leave[way]()
    const started = performance.now()
    for (let round = 0; round < 3; round++) {
      expect(await counters.charge([charge])).toMatchObject({ isAllowed: true, isCounted: false, left: [null] })
    }
    expect(performance.now() - started).toBeLessThan(waitMsMax)
    await comeBack[way]()
    await untilUp(link)
    expect(await counters.charge([charge])).toMatchObject({ isAllowed: true, isCounted: true, left: [0] })
  })

  it.each(ways)('%s: a bus carries on by itself, and says that there was a gap', async (way) => {
    const [one, two] = [await open(), await open()]
    const buses = [opened.use(createRedisBus(one)), opened.use(createRedisBus(two))] as const
    const [here, there] = [await listenOn(buses[0], 't'), await listenOn(buses[1], 't')]
    await leave[way]()
    const started = performance.now()
    expect(await buses[0].publish('t', { n: 1 })).toBe(false)
    expect(performance.now() - started).toBeLessThan(waitMsMax)
    expect(here.messages).toEqual([{ n: 1 }])
    const { gaps } = there
    // A server that only slept has kept the connection; it must sleep for long enough to be taken for lost.
    await until('it is noticed', () => one.isAway && two.isAway, patience)
    await comeBack[way]()
    await until('the gap is told', () => there.gaps > gaps, patience)
    await until('it is carried again', () => buses[0].publish('t', { n: 2 }), patience)
    await until('it is heard again', () => there.messages.some(({ n }) => n === 2), patience)
  })

  it('tells the others of a gap where only the publisher was cut off', async () => {
    const published: Promise<boolean>[] = []
    // At the very moment: the next connection is quickly made.
    const one = await open((cause) => {
      if (cause) published.push(bus.publish('t', { n: 1 }))
    })
    const bus = opened.use(createRedisBus(one))
    const there = await listenOn(opened.use(createRedisBus(await open())), 't')
    const { gaps } = there
    await redis.ask(`CLIENT KILL ID ${String(await one.send(['CLIENT', 'ID']))}`)
    await until('it is cut off', () => published.length > 0, patience)
    expect(await published[0]).toBe(false)
    await until('the gap is told', () => there.gaps > gaps, patience)
    expect(there.messages).toEqual([])
  })

  it('hears of nothing twice after its connection was cut', async () => {
    const [one, two] = [await open(), await open()]
    const buses = [opened.use(createRedisBus(one)), opened.use(createRedisBus(two))] as const
    const there = await listenOn(buses[1], 't')
    for (let round = 1; round <= 3; round++) {
      const { gaps } = there
      await redis.ask('CLIENT KILL TYPE pubsub')
      await until('the gap is told', () => there.gaps > gaps, patience)
    }
    await until('it is carried', () => buses[0].publish('t', { n: 1 }), patience)
    await until('it is heard', () => there.messages.length > 0, patience)
    await until('another is carried', () => buses[0].publish('t', { n: 2 }), patience)
    await until('it is heard', () => there.messages.some(({ n }) => n === 2), patience)
    expect(there.messages).toEqual([{ n: 1 }, { n: 2 }])
  })
})
