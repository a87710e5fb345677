/** Whose task is on which replica: what this one has made the others can find, and the other way round. */
import { allowsExecute } from '#core/access/decide.ts'
import type { Bus } from '#core/bus/bus.ts'
import type { Clock } from '#core/clock.ts'
import type { Principal } from '#core/identity/principal.ts'
import type { TaskPlace, TaskRecord, TaskRecords } from '#core/tasks/task-records.ts'
import type { OwnedTask, TaskOwners } from './task-owners.ts'

export type SharedTasksDeps = {
  records: TaskRecords
  bus: Bus
  clock: Pick<Clock, 'now'>
  owners: TaskOwners
  replicaId: string
}

type Own = { record: TaskRecord; until: number; isTold: boolean }

/** A task without a time limit, or with a longer one, is known to other replicas for so long after it was made. */
const keptMsMax = 86_400_000
/** What may have to be told again; the oldest are not. */
const ownMax = 10_000
/** A longer id stays with the replica that made it. */
const idCharsMax = 1_024
const topic = 'tasks'

export class SharedTasks {
  readonly #deps: SharedTasksDeps
  readonly #own = new Map<string, Own>()
  readonly #unsubscribe: () => void
  #isTelling = false

  constructor(deps: SharedTasksDeps) {
    this.#deps = deps
    this.#unsubscribe = deps.bus.subscribe(topic, {
      onMessage: ({ from, server, taskId }) => {
        if (from === deps.replicaId || typeof server !== 'string' || typeof taskId !== 'string') return
        deps.owners.forget(server, taskId)
        this.#own.delete(keyOf({ server, taskId }))
      },
      onGap: () => {
        for (const own of this.#own.values()) own.isTold = false
        void this.sweep()
      },
    })
  }

  /**
   * From now on every replica can find it. With the records away it stays with this one until they are back.
   * Resolves before the caller may know its id.
   */
  async share(task: OwnedTask, { ttlMs, scope }: { ttlMs: number | null; scope: TaskRecord['scope'] }): Promise<void> {
    const { clock, owners, replicaId, bus, records } = this.#deps
    const now = clock.now()
    owners.add(task)
    if (task.taskId.length > idCharsMax) return
    const keptMs = Math.min(ttlMs ?? keptMsMax, keptMsMax)
    const record: TaskRecord = { ...task, replica: replicaId, scope, madeAt: now }
    const own = { record, until: now + keptMs, isTold: true }
    this.#remember(own)
    const { server, taskId } = task
    if (scope === 'server') void bus.publish(topic, { from: replicaId, server, taskId })
    await records.put(record, keptMs).catch(() => (own.isTold = false))
  }

  #remember(own: Own): void {
    const key = keyOf(own.record)
    this.#own.delete(key)
    const oldest = this.#own.size < ownMax ? undefined : this.#own.keys().next().value
    if (oldest !== undefined) this.#own.delete(oldest)
    this.#own.set(key, own)
  }

  /**
   * A task of the principal's that another replica has made; null: none that it may ask after.
   * @throws GatewayError `storage_unavailable`
   */
  async find(principal: Principal, { server, taskId }: Omit<TaskPlace, 'principalId'>): Promise<TaskRecord | null> {
    if (taskId.length > idCharsMax) return null
    const record = await this.#deps.records.find({ principalId: principal.id, server, taskId })
    return record && this.#isElsewhere(principal, record) ? record : null
  }

  /** The server tells this replica as well of a task that another one has made. */
  adopt({ principalId, server, taskId, tool }: TaskRecord): void {
    this.#deps.owners.add({ principalId, server, taskId, tool })
  }

  /** @throws GatewayError `storage_unavailable` */
  async list(principal: Principal, server: string): Promise<TaskRecord[]> {
    const all = await this.#deps.records.list({ principalId: principal.id, server })
    return all.filter((record) => this.#isElsewhere(principal, record))
  }

  #isElsewhere({ access }: Principal, { replica, server, tool }: TaskRecord): boolean {
    return replica !== this.#deps.replicaId && allowsExecute(access.tool(server, tool).level)
  }

  /** Comes every few seconds: tells what could not be told, and what the records may have lost. */
  async sweep(): Promise<void> {
    if (this.#isTelling) return
    this.#isTelling = true
    try {
      await this.#tell()
    } catch {
      // The records are away; it is told when they are back.
    } finally {
      this.#isTelling = false
    }
  }

  async #tell(): Promise<void> {
    const { clock, records } = this.#deps
    for (const [key, own] of this.#own) {
      const leftMs = own.until - clock.now()
      if (leftMs <= 0) this.#own.delete(key)
      else if (!own.isTold) {
        await records.putAgain(own.record, leftMs)
        own.isTold = true
      }
    }
  }

  close(): void {
    this.#unsubscribe()
  }
}

/** A server's name holds no space. */
function keyOf({ server, taskId }: { server: string; taskId: string }): string {
  return `${server} ${taskId}`
}
