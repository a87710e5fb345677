/** TaskRecords of one process. */
import type { Clock } from '#core/clock.ts'
import type { TaskRecord, TaskRecords } from '#core/tasks/task-records.ts'
import { ExpiringMap } from './expiring-map.ts'

export function createMemoryTaskRecords({ clock }: { clock: Pick<Clock, 'now'> }): TaskRecords {
  const records = new ExpiringMap<TaskRecord>({ now: () => clock.now() })
  /** By principal and server, the keys of tasks by their ids. */
  const keysOf = new ExpiringMap<Map<string, string>>({ now: () => clock.now() })
  const put = (record: TaskRecord, keepMs: number): void => {
    const until = clock.now() + keepMs
    const [key, owner] = [keyOf(record), ownerOf(record)]
    const keys = keysOf.get(owner) ?? new Map<string, string>()
    records.set(key, { ...record }, until)
    keysOf.set(owner, keys.set(record.taskId, key), Math.max(keysOf.untilOf(owner), until))
    for (const [id, known] of keys.size > tasksMax ? keys : []) if (!records.get(known)) keys.delete(id)
    if (keys.size > tasksMax) keys.delete(record.taskId)
  }
  const get = (key: string | undefined, principalId: string): TaskRecord | null => {
    const record = key === undefined ? undefined : records.get(key)
    return record?.principalId === principalId ? { ...record } : null
  }
  return {
    async put(record, keepMs) {
      put(record, keepMs)
    },
    async putAgain(record, keepMs) {
      const known = records.get(keyOf(record))
      if (!known || known.principalId === record.principalId) put(record, keepMs)
    },
    async find(place) {
      return get(keysOf.get(ownerOf(place))?.get(place.taskId), place.principalId)
    },
    async list(of) {
      const keys = [...(keysOf.get(ownerOf(of))?.values() ?? [])]
      return keys.flatMap((key) => get(key, of.principalId) ?? []).toSorted((one, two) => one.madeAt - two.madeAt)
    },
  }
}

/** Of one principal at one server. */
const tasksMax = 1_000

function keyOf({ server, taskId, scope, replica }: TaskRecord): string {
  return `${server}@${scope === 'replica' ? replica : ''}:${taskId}`
}

function ownerOf({ server, principalId }: Pick<TaskRecord, 'server' | 'principalId'>): string {
  return `${server}:${principalId}`
}
