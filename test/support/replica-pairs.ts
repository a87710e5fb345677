/** Two replicas of one gateway, in the test's own process: over memory, and over a real Redis. */
import assert from 'node:assert/strict'
import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest'
import { createRedisBus } from '#adapters/redis/bus.ts'
import { createRedisMcpSessionRecords } from '#adapters/redis/mcp-session-records.ts'
import { createRedisTaskRecords } from '#adapters/redis/task-records.ts'
import { createOwnState, type SharedState } from '#compose/shared-state.ts'
import { startRawGateway, type RawGateway, type RawGatewayOptions } from './raw-gateway.ts'
import { openLink, type LinkOptions } from './redis-link.ts'
import { describeWithRedis, startRedis, type TestRedis } from './redis.ts'

/** The replicas of the test that runs. */
export type Pair = { a: RawGateway; b: RawGateway }

/** `options` are asked for before each test. */
export function describeReplicas(
  what: string,
  options: () => RawGatewayOptions,
  behave: (pair: () => Pair) => void,
): void {
  describe(`${what}, sharing memory`, () => {
    behave(
      pairs(options, async () => {
        const state = { ...createOwnState(), stateSecrets }
        return [state, state]
      }),
    )
  })

  describeWithRedis(`${what}, sharing a Redis`, () => {
    let redis: TestRedis
    beforeAll(async () => {
      redis = await startRedis({ isWatched: true })
    }, 20_000)
    afterAll(() => redis[Symbol.asyncDispose]())
    behave(
      pairs(options, async (opened) => {
        const prefix = redis.nextPrefix()
        return [await openRedisState(redis, opened, { prefix }), await openRedisState(redis, opened, { prefix })]
      }),
    )
  })
}

const stateSecrets = ['the secret of both']

/** Two that share a Redis which can be taken away. All of it ends with `opened`. */
export async function openLosablePair(
  opened: AsyncDisposableStack,
  options: RawGatewayOptions,
): Promise<Pair & { redis: TestRedis }> {
  const redis = opened.use(await startRedis())
  const start = async (): Promise<RawGateway> => {
    const shared = await openRedisState(redis, opened, { prefix: 'test:', times: undefined })
    return opened.use(await startRawGateway({ ...options, shared }))
  }
  return { redis, a: await start(), b: await start() }
}

async function openRedisState(redis: TestRedis, opened: AsyncDisposableStack, link: LinkOptions): Promise<SharedState> {
  const line = opened.use(await openLink(redis, link))
  return {
    ...createOwnState(),
    stateSecrets,
    sessionRecords: createRedisMcpSessionRecords(line),
    taskRecords: createRedisTaskRecords(line),
    bus: opened.use(createRedisBus(line)),
  }
}

function pairs(
  options: () => RawGatewayOptions,
  open: (opened: AsyncDisposableStack) => Promise<[SharedState, SharedState]>,
): () => Pair {
  let pair: Pair
  let opened: AsyncDisposableStack
  beforeEach(async () => {
    opened = new AsyncDisposableStack()
    const [one, two] = await open(opened)
    pair = {
      a: await startRawGateway({ ...options(), shared: one }),
      b: await startRawGateway({ ...options(), shared: two }),
    }
  }, 20_000)
  afterEach(async () => {
    const { a, b } = pair
    await Promise.all([a[Symbol.asyncDispose](), b[Symbol.asyncDispose]()])
    await opened.disposeAsync()
    assert.deepEqual([...a.defects, ...b.defects], [])
  })
  return () => pair
}
