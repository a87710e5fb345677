/** What the replicas of one gateway have in common, besides what is stored. */
import type { Logger } from 'pino'
import { createMemoryBus } from '#adapters/memory/bus.ts'
import { createMemoryLocks } from '#adapters/memory/locks.ts'
import { createMemoryMcpSessionRecords } from '#adapters/memory/mcp-session-records.ts'
import { createMemoryTaskRecords } from '#adapters/memory/task-records.ts'
import { createMemoryCounters } from '#adapters/memory/counters.ts'
import type { Bus } from '#core/bus/bus.ts'
import type { Counters } from '#core/limits/counters.ts'
import type { Locks } from '#core/locks/locks.ts'
import type { McpSessionRecords } from '#core/session/mcp-session-records.ts'
import type { TaskRecords } from '#core/tasks/task-records.ts'
import { describeError } from './describe-error.ts'
import { systemClock } from './system-clock.ts'

export type SharedState = {
  sessionRecords: McpSessionRecords
  taskRecords: TaskRecords
  bus: Bus
  /** What signs the states that clients bring back to any of them. */
  stateSecrets?: readonly string[]
}

export type ReplicaState = SharedState & { counters: Counters; locks: Locks }

/** Of a gateway that is alone. */
export function createOwnState(): ReplicaState {
  return {
    sessionRecords: createMemoryMcpSessionRecords({ clock: systemClock }),
    taskRecords: createMemoryTaskRecords({ clock: systemClock }),
    bus: createMemoryBus(),
    counters: createMemoryCounters({ clock: systemClock }),
    locks: createMemoryLocks({ clock: systemClock }),
  }
}

/** Over the Redis that the replicas share. Where it is away, each goes on by itself, and finds the others again. */
export async function openSharedState(
  url: string,
  { log, resources }: { log: Logger; resources: AsyncDisposableStack },
): Promise<ReplicaState> {
  // Loaded only where it is used.
  const [
    { RedisLink },
    { createRedisBus },
    { createRedisMcpSessionRecords },
    { createRedisTaskRecords },
    { createRedisCounters },
    { createRedisLocks },
  ] = await Promise.all([
    import('#adapters/redis/redis-link.ts'),
    import('#adapters/redis/bus.ts'),
    import('#adapters/redis/mcp-session-records.ts'),
    import('#adapters/redis/task-records.ts'),
    import('#adapters/redis/counters.ts'),
    import('#adapters/redis/locks.ts'),
  ])
  const onChange = (cause: { error: unknown } | null): void => {
    if (cause === null) log.info('Redis is there again')
    else log.error({ err: describeError(cause.error) }, 'Redis cannot be reached; each gateway goes on by itself')
  }
  const link = resources.use(new RedisLink({ url, prefix: keyPrefix, clock: systemClock, onChange }))
  // So that the first requests find it; one that is away is not waited for.
  await link.untilUp(untilUpMsMax)
  return {
    sessionRecords: createRedisMcpSessionRecords(link),
    taskRecords: createRedisTaskRecords(link),
    bus: resources.use(createRedisBus(link)),
    counters: createRedisCounters(link),
    locks: createRedisLocks({ link, clock: systemClock }),
  }
}

const keyPrefix = 'toolgate:'
const untilUpMsMax = 1_000
