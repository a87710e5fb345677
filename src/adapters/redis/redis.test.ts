/** Every port that Redis stands behind, against a real one. How they bear its going away: redis-away.test.ts. */
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, afterEach } from 'vitest'
import { systemClock } from '#compose/system-clock.ts'
import { openLink } from '#test/support/redis-link.ts'
import { describeWithRedis, startRedis, type TestRedis } from '#test/support/redis.ts'
import { busContract } from '#test/contracts/bus.ts'
import { countersContract } from '#test/contracts/counters.ts'
import { locksContract } from '#test/contracts/locks.ts'
import { mcpSessionRecordsContract } from '#test/contracts/mcp-session-records.ts'
import { replicaAsksContract } from '#test/contracts/replica-asks.ts'
import { taskRecordsContract } from '#test/contracts/task-records.ts'
import { createRedisBus } from './bus.ts'
import { createRedisCounters } from './counters.ts'
import { createRedisLocks } from './locks.ts'
import { createRedisMcpSessionRecords } from './mcp-session-records.ts'
import { createRedisTaskRecords } from './task-records.ts'
import type { RedisLink } from './redis-link.ts'

describeWithRedis('in Redis', () => {
  let redis: TestRedis
  let opened = new AsyncDisposableStack()
  beforeAll(async () => {
    redis = await startRedis()
  }, 20_000)
  afterEach(async () => {
    await opened.disposeAsync()
    opened = new AsyncDisposableStack()
  })
  afterAll(() => redis[Symbol.asyncDispose]())

  /** Two replicas' links, with keys that nobody else has. */
  const open = async (): Promise<[RedisLink, RedisLink]> => {
    const prefix = redis.nextPrefix()
    return [opened.use(await openLink(redis, { prefix })), opened.use(await openLink(redis, { prefix }))]
  }
  /** Redis has a clock of its own. */
  const pass = async (ms: number): Promise<void> => {
    await delay(ms + 5)
  }
  const clock = systemClock

  busContract(async () => {
    const [one, two] = await open()
    return [opened.use(createRedisBus(one)), opened.use(createRedisBus(two))]
  })

  replicaAsksContract(async () => {
    const [one, two] = await open()
    return [opened.use(createRedisBus(one)), opened.use(createRedisBus(two))]
  })

  locksContract(async () => {
    const [one, two] = await open()
    const locks = [createRedisLocks({ link: one, clock }), createRedisLocks({ link: two, clock })] as const
    return { one: locks[0], two: locks[1], now: Date.now, pass }
  })

  countersContract(async () => {
    const [one, two] = await open()
    return { one: createRedisCounters(one), two: createRedisCounters(two), pass }
  })

  mcpSessionRecordsContract(async () => {
    const [one, two] = await open()
    return { one: createRedisMcpSessionRecords(one), two: createRedisMcpSessionRecords(two), pass }
  })

  taskRecordsContract(async () => {
    const [one, two] = await open()
    return { one: createRedisTaskRecords(one), two: createRedisTaskRecords(two), pass }
  })
})
