/** TaskRecords in Redis: a text for each task, and for each principal at a server the keys of its tasks. */
import { z } from 'zod'
import type { TaskRecord, TaskRecords } from '#core/tasks/task-records.ts'
import { defineRedisScript, type RedisLink } from './redis-link.ts'

/** A task's text is its principal, a line break, and the record. KEYS: task, index. ARGV: record, ms, id, most tasks, principal, whether it may take the place of another's. */
const put = defineRedisScript(`
local known = redis.call('GET', KEYS[1])
if known and ARGV[6] == '0' and string.sub(known, 1, #ARGV[5] + 1) ~= ARGV[5] .. '\\n' then return 0 end
redis.call('HSET', KEYS[2], ARGV[3], KEYS[1])
if redis.call('HLEN', KEYS[2]) > tonumber(ARGV[4]) then
  local all = redis.call('HGETALL', KEYS[2])
  for n = 1, #all, 2 do
    if all[n] ~= ARGV[3] and redis.call('EXISTS', all[n + 1]) == 0 then redis.call('HDEL', KEYS[2], all[n]) end
  end
  if redis.call('HLEN', KEYS[2]) > tonumber(ARGV[4]) then
    redis.call('HDEL', KEYS[2], ARGV[3])
    return 0
  end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[2], ARGV[2]) end
return 1`)

const find = defineRedisScript(`
local key = redis.call('HGET', KEYS[1], ARGV[1])
return key and redis.call('GET', key)`)

const list = defineRedisScript(`
local found = {}
for _, key in ipairs(redis.call('HVALS', KEYS[1])) do
  local record = redis.call('GET', key)
  if record then found[#found + 1] = record end
end
return found`)

/** Of one principal at one server. Redis does nothing else while a script runs. */
const tasksMax = 1_000

const Stored = z.object({
  principalId: z.string(),
  server: z.string(),
  taskId: z.string(),
  tool: z.string(),
  replica: z.string(),
  scope: z.enum(['server', 'replica']),
  madeAt: z.number(),
})

export function createRedisTaskRecords(link: RedisLink): TaskRecords {
  const store = async (record: TaskRecord, keepMs: number, mayReplace: '0' | '1'): Promise<void> => {
    const ms = String(Math.max(1, Math.ceil(keepMs)))
    const { principalId, taskId } = record
    const args = [`${principalId}\n${JSON.stringify(record)}`, ms, taskId, String(tasksMax), principalId, mayReplace]
    await link.run(put, { keys: [keyOf(record), indexOf(record)], args })
  }
  return {
    put: (record, keepMs) => store(record, keepMs, '1'),
    putAgain: (record, keepMs) => store(record, keepMs, '0'),
    async find(place) {
      const text = await link.run(find, { keys: [indexOf(place)], args: [place.taskId] })
      const record = parseRecord(text)
      return record?.principalId === place.principalId && record.taskId === place.taskId ? record : null
    },
    async list(of) {
      const texts = await link.run(list, { keys: [indexOf(of)], args: [] })
      const records = (Array.isArray(texts) ? texts : []).flatMap((text: unknown) => parseRecord(text) ?? [])
      return records
        .filter(({ principalId }) => principalId === of.principalId)
        .toSorted((one, two) => one.madeAt - two.madeAt)
    },
  }
}

function keyOf({ server, taskId, scope, replica }: TaskRecord): string {
  return `task:${server}@${scope === 'replica' ? replica : ''}:${taskId}`
}

function indexOf({ server, principalId }: Pick<TaskRecord, 'server' | 'principalId'>): string {
  return `tasks:${server}:${principalId}`
}

function parseRecord(text: unknown): TaskRecord | null {
  try {
    const record = String(text)
    return Stored.safeParse(JSON.parse(record.slice(record.indexOf('\n') + 1))).data ?? null
  } catch {
    return null
  }
}
