/** What all TaskRecords do, wherever they are kept. */
import { describe, expect, it } from 'vitest'
import type { TaskRecord, TaskRecords } from '#core/tasks/task-records.ts'

export type TaskRecordsHouse = {
  /** Two replicas' ends. */
  one: TaskRecords
  two: TaskRecords
  /** Lets time pass: at least so much. */
  pass: (ms: number) => Promise<void>
}

const long = 60_000
const short = 1_000

const task = (taskId: string, changes: Partial<TaskRecord> = {}): TaskRecord => ({
  principalId: 'ann',
  server: 'one',
  taskId,
  tool: 'slow',
  replica: 'replica_1',
  scope: 'server',
  madeAt: 1_732_180_000_000,
  ...changes,
})
const at = (taskId: string, principalId = 'ann', server = 'one') => ({ principalId, server, taskId })

export function taskRecordsContract(create: () => Promise<TaskRecordsHouse>): void {
  describe('TaskRecords', () => {
    it('give every replica what one has put, to the last field', async () => {
      const { one, two } = await create()
      for (const id of ['t', 'é😀\u0000:', '', '__proto__', 'x'.repeat(1_000)]) {
        await one.put(task(id, { tool: `tool of ${id}` }), long)
        expect(await two.find(at(id))).toEqual(task(id, { tool: `tool of ${id}` }))
      }
    })

    it('know nothing of others, nor of other servers', async () => {
      const { one, two } = await create()
      await one.put(task('t'), long)
      for (const place of [at('u'), at('t', 'bob'), at('t', 'ann', 'two'), at('*'), at('t', '*'), at('one:t')])
        expect(await two.find(place)).toBeNull()
      expect(await two.list({ principalId: 'bob', server: 'one' })).toEqual([])
      expect(await two.list({ principalId: 'ann', server: 'two' })).toEqual([])
    })

    it('list the oldest first', async () => {
      const { one, two } = await create()
      await one.put(task('b', { madeAt: 2 }), long)
      await two.put(task('a', { madeAt: 1, replica: 'replica_2' }), long)
      await two.put(task('c', { principalId: 'bob' }), long)
      const listed = await one.list({ principalId: 'ann', server: 'one' })
      expect(listed.map(({ taskId, replica }) => [taskId, replica])).toEqual([
        ['a', 'replica_2'],
        ['b', 'replica_1'],
      ])
    })

    it('give an id to who was given it last', async () => {
      const { one, two } = await create()
      await one.put(task('t'), long)
      await two.put(task('t', { principalId: 'bob' }), long)
      expect(await one.find(at('t'))).toBeNull()
      expect(await one.list({ principalId: 'ann', server: 'one' })).toEqual([])
      expect(await one.find(at('t', 'bob'))).not.toBeNull()
    })

    it('keep ids of servers apart that each replica runs for itself', async () => {
      const { one, two } = await create()
      await one.put(task('t', { scope: 'replica' }), long)
      await two.put(task('t', { scope: 'replica', replica: 'replica_2', principalId: 'bob' }), long)
      expect(await two.find(at('t'))).toMatchObject({ replica: 'replica_1' })
      expect(await one.find(at('t', 'bob'))).toMatchObject({ replica: 'replica_2' })
    })

    it('take again what was lost, and not from who has it now', async () => {
      const { one, two } = await create()
      await one.putAgain(task('t'), long)
      expect(await two.find(at('t'))).toEqual(task('t'))
      await one.putAgain(task('t', { tool: 'other' }), long)
      expect(await two.find(at('t'))).toMatchObject({ tool: 'other' })
      await two.putAgain(task('t', { principalId: 'bob' }), long)
      expect(await one.find(at('t'))).not.toBeNull()
      expect(await one.find(at('t', 'bob'))).toBeNull()
    })

    it('forget in time', async () => {
      const { one, two, pass } = await create()
      await one.put(task('short'), short)
      await one.put(task('long'), long)
      await pass(short)
      expect(await two.find(at('short'))).toBeNull()
      expect((await two.list({ principalId: 'ann', server: 'one' })).map(({ taskId }) => taskId)).toEqual(['long'])
    })

    it('take so many of one principal, and none of them costs another', async () => {
      const { one, two } = await create()
      for (let n = 0; n < 1_000; n++) await one.put(task(`t${n}`), long)
      await one.put(task('one too many'), long)
      await one.put(task('t', { principalId: 'bob' }), long)
      expect(await two.find(at('one too many'))).toBeNull()
      expect(await two.find(at('t0'))).not.toBeNull()
      expect(await two.find(at('t', 'bob'))).not.toBeNull()
      expect(await two.list({ principalId: 'ann', server: 'one' })).toHaveLength(1_000)
    })
  })
}
