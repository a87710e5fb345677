/** Links of replicas to a test's own Redis. */
import { RedisLink, type RedisTimes } from '#adapters/redis/redis-link.ts'
import { systemClock } from '#compose/system-clock.ts'
import type { TestRedis } from './redis.ts'

/** A busy machine is no server that has gone. */
const patient: RedisTimes = { commandMs: 8_000, silenceMs: 10_000 }

export type LinkOptions = {
  prefix?: string
  times?: RedisTimes | undefined
  onChange?: (cause: { error: unknown } | null) => void
}

/** @param options.times of the product where they are left out on purpose: undefined */
export async function openLink(redis: TestRedis, options: LinkOptions = {}): Promise<RedisLink> {
  const { prefix = redis.nextPrefix(), onChange } = options
  const times = 'times' in options ? options.times : patient
  const link = new RedisLink({
    url: redis.url,
    prefix,
    clock: systemClock,
    ...(times ? { times } : {}),
    ...(onChange ? { onChange } : {}),
  })
  await link.untilUp(10_000)
  return link
}
