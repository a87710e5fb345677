/** Counters in Redis. One script reads and charges all that one call is charged for. */
import type { Charge, Counters, ChargeVerdict } from '#core/limits/counters.ts'
import { defineRedisScript, type RedisLink } from './redis-link.ts'

/**
 * Says what `chargeLimit` in core says; the contract suite holds both to it. For each key: kind, two numbers of the limit, cost.
 * Answers with the place of the first that refused or -1, then for each what is left and how long to wait; -1: for ever.
 */
const charge = defineRedisScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local counts = {}

local function count(key)
  if not counts[key] then
    local stored = redis.call('HMGET', key, 'amount', 'at')
    counts[key] = { amount = tonumber(stored[1] or nil), at = tonumber(stored[2] or nil) }
  end
  return counts[key]
end

local function charge(key, i, cost)
  local kind, most, rate = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local was = count(key)
  local own = { isBucket = kind == 'bucket', most = most, rate = rate, retry = 0 }
  if own.isBucket then
    local full = most
    if was.at then full = math.min(most, was.amount + math.max(0, now - was.at) * rate / 1000) end
    own.isAllowed = full >= cost
    own.amount = own.isAllowed and full - cost or full
    own.at = math.max(now, was.at or 0)
    own.left = own.amount
    own.fresh = (most - own.amount) / rate * 1000
    if not own.isAllowed then own.retry = cost > most and -1 or math.ceil((cost - full) / rate * 1000) end
  else
    local used, ends = 0, now + rate
    if was.at and was.at > now then used, ends = was.amount, was.at end
    own.isAllowed = used + cost <= most
    own.amount = own.isAllowed and used + cost or used
    own.at = ends
    own.left = math.max(0, most - own.amount)
    own.fresh = ends - now
    if not own.isAllowed then own.retry = cost > most and -1 or math.ceil(ends - now) end
  end
  return own
end

local answers, refused = {}, -1
for n, key in ipairs(KEYS) do
  local own = charge(key, n * 4 - 3, tonumber(ARGV[n * 4]))
  answers[n] = own
  counts[key] = own
  if not own.isAllowed and refused < 0 then refused = n - 1 end
end
local out = { tostring(refused) }
if refused >= 0 then counts = {} end
for n, key in ipairs(KEYS) do
  local own = answers[n]
  local left = own.left
  if refused < 0 then
    redis.call('HSET', key, 'amount', string.format('%.17g', own.amount), 'at', string.format('%.17g', own.at))
    redis.call('PEXPIRE', key, math.max(1, math.ceil(own.fresh)))
  else
    left = charge(key, n * 4 - 3, 0).left
  end
  out[#out + 1] = string.format('%.17g', left)
  out[#out + 1] = string.format('%.17g', own.retry)
end
return out`)

export function createRedisCounters(link: RedisLink): Counters {
  return {
    async charge(charges) {
      if (charges.length === 0) return { isAllowed: true, refusedBy: null, retryAfterMs: 0, left: [], isCounted: true }
      try {
        const keys = charges.map(({ key, limit }) => `limit:${limit.kind}:${key}`)
        return toVerdict(await link.run(charge, { keys, args: charges.flatMap(toArguments) }))
      } catch {
        return uncounted(charges)
      }
    },
  }
}

function toArguments({ limit, cost }: Charge): string[] {
  const numbers = limit.kind === 'bucket' ? [limit.burst, limit.perSecond] : [limit.max, limit.windowMs]
  return [limit.kind, ...numbers.map(String), String(cost)]
}

function toVerdict(reply: unknown): ChargeVerdict {
  const [refused = -1, ...rest] = Array.isArray(reply) ? reply.map(Number) : []
  const left = rest.filter((_, index) => index % 2 === 0)
  const waits = rest.filter((_, index) => index % 2 === 1)
  const isAllowed = refused < 0
  const retryAfterMs = waits.includes(-1) ? null : Math.max(0, ...waits)
  return { isAllowed, refusedBy: isAllowed ? null : refused, retryAfterMs, left, isCounted: true }
}

function uncounted(charges: readonly Charge[]): ChargeVerdict {
  return { isAllowed: true, refusedBy: null, retryAfterMs: 0, left: charges.map(() => null), isCounted: false }
}
