/** Locks in Redis: a key that ends by itself, and holds its fence. */
import type { Clock } from '#core/clock.ts'
import type { HeldLock, Locks } from '#core/locks/locks.ts'
import { defineRedisScript, type RedisLink } from './redis-link.ts'

/** The fence is of the server's time, so that it rises also when the server has lost what it knew. One counter for all names. */
const lock = defineRedisScript(`
if redis.call('EXISTS', KEYS[1]) == 1 then return false end
local time = redis.call('TIME')
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
local fence = string.format('%.0f', math.max(last + 1, time[1] * 1000000 + time[2]))
redis.call('SET', KEYS[2], fence)
redis.call('SET', KEYS[1], fence, 'PX', ARGV[1])
return fence`)

const renew = defineRedisScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`)

const release = defineRedisScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`)

export function createRedisLocks({ link, clock }: { link: RedisLink; clock: Pick<Clock, 'now'> }): Locks {
  return {
    async tryLock(name, ttlMs) {
      const keys = [`lock:${name}`]
      const askedAt = clock.now()
      const given = await link.run(lock, { keys: [...keys, 'lock-fence'], args: [String(ttlMs)] })
      if (typeof given !== 'string') return null
      const held = {
        name,
        fence: Number(given),
        heldUntil: askedAt + ttlMs,
        async renew(moreMs) {
          const heldUntil = clock.now() + moreMs
          const isHeld = (await link.run(renew, { keys, args: [given, String(moreMs)] })) === 1
          held.heldUntil = isHeld ? heldUntil : 0
          return isHeld
        },
        async release() {
          held.heldUntil = 0
          await link.run(release, { keys, args: [given] }).catch(() => undefined)
        },
      } satisfies HeldLock
      return held
    },
  }
}
