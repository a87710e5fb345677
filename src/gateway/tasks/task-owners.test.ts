import { describe, expect, it } from 'vitest'
import { policy, principal } from '#test/support/upstreams.ts'
import { TaskOwners } from './task-owners.ts'

const ann = principal('ann')
const bob = principal('bob')
const task = (taskId: string, more: object = {}) => ({
  principalId: 'ann',
  server: 'one',
  taskId,
  tool: 'slow',
  ...more,
})

describe('a task', () => {
  it('is its maker’s, at its server', () => {
    const owners = new TaskOwners()
    owners.add(task('t'))
    expect(owners.find(ann, { server: 'one', taskId: 't' })).toEqual(task('t'))
    expect(owners.find(bob, { server: 'one', taskId: 't' })).toBeNull()
    expect(owners.find(ann, { server: 'two', taskId: 't' })).toBeNull()
    expect(owners.find(ann, { server: 'one', taskId: 'u' })).toBeNull()
  })

  it('is not its maker’s any more when a server gives its id to somebody else', () => {
    const owners = new TaskOwners()
    owners.add(task('t'))
    owners.add(task('t', { principalId: 'bob' }))
    expect(owners.find(ann, { server: 'one', taskId: 't' })).toBeNull()
    expect(owners.list(ann, 'one')).toEqual([])
    expect(owners.list(bob, 'one')).toHaveLength(1)
  })

  it('is nobody’s where another replica has given its id to somebody else', () => {
    const owners = new TaskOwners()
    owners.add(task('t'))
    expect([owners.isOf('ann', task('t')), owners.isOf('bob', task('t'))]).toEqual([true, false])
    owners.forget('one', 't')
    expect(owners.find(ann, { server: 'one', taskId: 't' })).toBeNull()
    expect([owners.isOf('ann', task('t')), owners.has('one', 't')]).toEqual([false, false])
  })

  it('is out of reach of a maker who may not call its tool any more', () => {
    const owners = new TaskOwners()
    owners.add(task('t'))
    const rules = [{ server: 'one', tool: 'slow', level: 'read' as const }]
    const reader = principal('ann', [policy('most', { default: 'execute', rules })])
    expect(owners.find(reader, { server: 'one', taskId: 't' })).toBeNull()
    expect(owners.list(reader, 'one')).toEqual([])
  })

  it('is listed for its maker by server, the oldest first', () => {
    const owners = new TaskOwners()
    for (const id of ['b', 'a']) owners.add(task(id))
    owners.add(task('c', { server: 'two' }))
    owners.add(task('d', { principalId: 'bob' }))
    expect(owners.list(ann, 'one').map(({ taskId }) => taskId)).toEqual(['b', 'a'])
  })

  it('is forgotten when its maker has made very many since, and nobody else’s is', () => {
    const owners = new TaskOwners()
    owners.add(task('of-bob', { principalId: 'bob' }))
    for (let index = 0; index <= 10_000; index++) owners.add(task(`t${index}`))
    expect(owners.list(ann, 'one')).toHaveLength(10_000)
    expect(owners.find(ann, { server: 'one', taskId: 't0' })).toBeNull()
    expect(owners.find(ann, { server: 'one', taskId: 't1' })).not.toBeNull()
    expect(owners.list(bob, 'one')).toHaveLength(1)
  })
})
