/**
 * Port: whose task is where, for replicas that did not make it. Types only.
 *
 * Within one scope a task's id is one task: that of who was given it last.
 */
export type TaskRecord = {
  principalId: string
  server: string
  /** The server's own. */
  taskId: string
  /** The tool whose call became the task, by its own name. */
  tool: string
  /** Which made it. */
  replica: string
  /** Where else the same id is the same task: what is behind the server, as each replica reaches it or as one alone does. */
  scope: 'server' | 'replica'
  /** Unix time in milliseconds. */
  madeAt: number
}

export type TaskPlace = Pick<TaskRecord, 'principalId' | 'server' | 'taskId'>

/** Every method rejects with `storage_unavailable` where the records cannot be reached, within one second. */
export interface TaskRecords {
  /** Of a principal's very many, the records may refuse some. */
  put(record: TaskRecord, keepMs: number): Promise<void>
  /** The same for one that the records may have lost: who was given the id meanwhile keeps it. */
  putAgain(record: TaskRecord, keepMs: number): Promise<void>
  /** Null: there is none, or it is somebody else's by now. */
  find(place: TaskPlace): Promise<TaskRecord | null>
  /** Of one principal at one server, the oldest first. */
  list(of: Pick<TaskRecord, 'principalId' | 'server'>): Promise<TaskRecord[]>
}
