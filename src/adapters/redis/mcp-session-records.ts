/** McpSessionRecords in Redis: one text a session, empty for one that has ended. */
import { z } from 'zod'
import type {
  McpSessionFate,
  McpSessionRecord,
  McpSessionRecords,
  McpSessionUse,
} from '#core/session/mcp-session-records.ts'
import { defineRedisScript, type RedisLink } from './redis-link.ts'

const put = defineRedisScript(`
if redis.call('GET', KEYS[1]) == '' then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`)

const touch = defineRedisScript(`
local fates = {}
for n, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 0 then fates[n] = 0
  elseif redis.call('STRLEN', key) == 0 then fates[n] = 1
  else
    if redis.call('PTTL', key) < tonumber(ARGV[n]) then redis.call('PEXPIRE', key, ARGV[n]) end
    fates[n] = 2
  end
end
return fates`)

const fates: readonly McpSessionFate[] = ['unknown', 'ended', 'kept']
/** Redis does nothing else while a script runs. */
const touchesMax = 200

const words = z.record(z.string(), z.unknown())
/** What stands in Redis may be of another version of the gateway, or of somebody else. */
const Stored = z.object({
  id: z.string(),
  tokenId: z.string(),
  address: z.string(),
  endpoint: z.string(),
  revision: z.string(),
  capabilities: words,
  info: words.nullable(),
  logLevel: z.string().nullable(),
  createdAt: z.number(),
})

export function createRedisMcpSessionRecords(link: RedisLink): McpSessionRecords {
  return {
    async put(record, idleMs) {
      const args = [JSON.stringify(record), lifeOf(idleMs)]
      return (await link.run(put, { keys: [keyOf(record.id)], args })) === 1
    },
    async get(id) {
      const text = await link.send(['GET', link.prefix + keyOf(id)])
      return typeof text === 'string' && text !== '' ? parseRecord(text, id) : null
    },
    async touch(uses) {
      const known: McpSessionFate[] = []
      for (let at = 0; at < uses.length; at += touchesMax) {
        known.push(...(await touchSome(link, uses.slice(at, at + touchesMax))))
      }
      return known
    },
    async end(id, rememberMs) {
      await link.send(['SET', link.prefix + keyOf(id), '', 'PX', lifeOf(rememberMs)])
    },
  }
}

async function touchSome(link: RedisLink, uses: readonly McpSessionUse[]): Promise<McpSessionFate[]> {
  const keys = uses.map(({ id }) => keyOf(id))
  const reply = await link.run(touch, { keys, args: uses.map(({ idleMs }) => lifeOf(idleMs)) })
  const found: readonly unknown[] = Array.isArray(reply) ? reply : []
  return uses.map((_, index) => fates[Number(found[index])] ?? 'unknown')
}

function keyOf(id: string): string {
  return `mcp-session:${id}`
}

/** Redis refuses a life of nothing, and of parts of a millisecond. */
function lifeOf(ms: number): string {
  return String(Math.max(1, Math.ceil(ms)))
}

function parseRecord(text: string, id: string): McpSessionRecord | null {
  try {
    const { data } = Stored.safeParse(JSON.parse(text))
    return data?.id === id ? data : null
  } catch {
    return null
  }
}
