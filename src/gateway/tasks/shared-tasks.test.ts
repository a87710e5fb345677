import { beforeEach, describe, expect, it } from 'vitest'
import { createMemoryBus } from '#adapters/memory/bus.ts'
import { createMemoryTaskRecords } from '#adapters/memory/task-records.ts'
import { GatewayError } from '#contract/errors.ts'
import type { TaskRecords } from '#core/tasks/task-records.ts'
import { FakeClock, settled } from '#test/support/fake-clock.ts'
import { SwitchedBus } from '#test/support/switched-bus.ts'
import { policy, principal } from '#test/support/upstreams.ts'
import { SharedTasks } from './shared-tasks.ts'
import { TaskOwners } from './task-owners.ts'

const ann = principal('ann')
const task = { principalId: 'ann', server: 'one', taskId: 't', tool: 'slow' }
const kept = { ttlMs: 60_000, scope: 'server' as const }

let clock: FakeClock
let store: TaskRecords
let isAway: boolean
let one: SharedTasks
let two: SharedTasks
let owners: { one: TaskOwners; two: TaskOwners }
let line: SwitchedBus

beforeEach(async () => {
  clock = new FakeClock()
  store = createMemoryTaskRecords({ clock })
  isAway = false
  const reach = async <Answer>(asked: () => Promise<Answer>): Promise<Answer> => {
    if (isAway) throw new GatewayError('storage_unavailable')
    return asked()
  }
  const records: TaskRecords = {
    put: (...given) => reach(() => store.put(...given)),
    putAgain: (...given) => reach(() => store.putAgain(...given)),
    find: (...given) => reach(() => store.find(...given)),
    list: (...given) => reach(() => store.list(...given)),
  }
  line = new SwitchedBus(createMemoryBus())
  owners = { one: new TaskOwners(), two: new TaskOwners() }
  one = new SharedTasks({ records, bus: line, clock, owners: owners.one, replicaId: 'one' })
  two = new SharedTasks({ records, bus: line, clock, owners: owners.two, replicaId: 'two' })
  await settled()
})

describe('a task that is shared', () => {
  it('is found by other replicas, with who has it, and not by the one that has it', async () => {
    await one.share(task, kept)
    expect(await two.find(ann, task)).toMatchObject({ ...task, replica: 'one', scope: 'server' })
    expect(await two.list(ann, 'one')).toMatchObject([task])
    expect(await one.find(ann, task)).toBeNull()
    expect(await one.list(ann, 'one')).toEqual([])
  })

  it('is nobody else’s, nor its maker’s who may not call its tool any more', async () => {
    await one.share(task, kept)
    const reader = principal('ann', [
      policy('most', { default: 'execute', rules: [{ server: 'one', tool: 'slow', level: 'read' as const }] }),
    ])
    for (const other of [principal('bob'), reader]) {
      expect(await two.find(other, task)).toBeNull()
      expect(await two.list(other, 'one')).toEqual([])
    }
  })

  it('is found for as long as its server keeps it, and for a day where that is not said', async () => {
    await one.share(task, kept)
    await one.share({ ...task, taskId: 'open' }, { ...kept, ttlMs: null })
    await clock.advance(60_000)
    expect(await two.find(ann, task)).toBeNull()
    await clock.advance(86_000_000)
    expect(await two.find(ann, { ...task, taskId: 'open' })).not.toBeNull()
    await clock.advance(400_000)
    expect(await two.find(ann, { ...task, taskId: 'open' })).toBeNull()
  })

  it('stays with its replica where its id is very long', async () => {
    const taskId = 'x'.repeat(1_025)
    await one.share({ ...task, taskId }, kept)
    expect(owners.one.find(ann, { ...task, taskId })).not.toBeNull()
    expect(await two.find(ann, { ...task, taskId })).toBeNull()
  })

  it('is told when the records are back, and again when they may have lost it', async () => {
    isAway = true
    await one.share(task, kept)
    await one.sweep()
    isAway = false
    expect(await two.find(ann, task)).toBeNull()
    await one.sweep()
    expect(await two.find(ann, task)).not.toBeNull()
    await store.put({ ...task, replica: 'gone', scope: 'replica', madeAt: 0 }, 1)
    await clock.advance(10)
    expect(await two.find(ann, task)).toBeNull()
    line.comeBack()
    await settled()
    expect(await two.find(ann, task)).toMatchObject({ replica: 'one' })
  })

  it('is no more its maker’s once the server has given its id to somebody elsewhere', async () => {
    await one.share(task, kept)
    await two.share({ ...task, principalId: 'bob' }, kept)
    await settled()
    expect(owners.one.find(ann, task)).toBeNull()
    expect(await two.find(ann, task)).toBeNull()
    line.comeBack()
    await settled()
    expect(await one.find(principal('bob'), task)).toMatchObject({ replica: 'two' })
  })

  it('stays its maker’s where another replica’s own program has given the same id', async () => {
    await one.share(task, { ...kept, scope: 'replica' })
    await two.share({ ...task, principalId: 'bob' }, { ...kept, scope: 'replica' })
    await settled()
    expect(owners.one.find(ann, task)).not.toBeNull()
    expect(await two.find(ann, task)).toMatchObject({ replica: 'one' })
  })
})
