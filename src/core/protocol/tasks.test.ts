import { describe, expect, it } from 'vitest'
import {
  announcedTask,
  declaresTasksExtension,
  joinTaskCapabilities,
  renameAnnouncedTask,
  renameRelatedTask,
  renameTask,
  takesTasks,
  taskNamedIn,
  withoutTasksExtension,
} from './tasks.ts'

const related = (taskId: unknown) => ({ 'io.modelcontextprotocol/related-task': { taskId }, other: 1 })
const rename = (id: string): string => `a:${id}`

describe('announcedTask', () => {
  it.each([
    ['legacy', { task: { taskId: 't', ttl: 5 } }, { id: 't', ttlMs: 5 }],
    ['legacy', { task: { taskId: 't', ttl: null } }, { id: 't', ttlMs: null }],
    ['legacy', { task: { taskId: 't', ttl: -1 } }, { id: 't', ttlMs: null }],
    ['legacy', { resultType: 'task', taskId: 't', ttlMs: 5 }, undefined],
    ['legacy', { task: { taskId: 7 } }, undefined],
    ['legacy', { task: 't', content: [] }, undefined],
    ['modern', { resultType: 'task', taskId: 't', ttlMs: 5 }, { id: 't', ttlMs: 5 }],
    ['modern', { resultType: 'complete', taskId: 't', ttlMs: 5 }, undefined],
    ['modern', { resultType: 'complete', task: { taskId: 't' } }, undefined],
    ['modern', { resultType: 'task', taskId: null }, undefined],
    ['modern', { resultType: 'task', taskId: 'x'.repeat(1_025) }, undefined],
    ['legacy', { task: { taskId: 'x'.repeat(1_025) } }, undefined],
  ] as const)('in a %s result %j is %j', (era, result, expected) => {
    expect(announcedTask(result, era)).toEqual(expected)
  })
})

describe('taskNamedIn', () => {
  it.each([
    ['tasks/get', { taskId: 't' }, 't'],
    ['tasks/result', { taskId: 't', _meta: related('other') }, 't'],
    ['notifications/tasks/status', { taskId: 't' }, 't'],
    ['notifications/tasks', { taskId: 't' }, 't'],
    ['elicitation/create', { _meta: related('t'), taskId: 'no' }, 't'],
    ['notifications/message', { _meta: related('t') }, 't'],
    ['elicitation/create', { taskId: 'no' }, undefined],
    ['tasks/get', { taskId: 1 }, undefined],
    ['notifications/message', { _meta: related(1) }, undefined],
    ['ping', undefined, undefined],
  ])('of %s with %j is %s', (method, params, expected) => {
    expect(taskNamedIn({ method, params })).toBe(expected)
  })
})

describe('another name', () => {
  it('is given to a task, and nothing else of it is touched', () => {
    expect(renameTask({ taskId: 't', status: 'working', task: { taskId: 'x' } }, rename)).toEqual({
      taskId: 'a:t',
      status: 'working',
      task: { taskId: 'x' },
    })
    const nameless = { status: 'working' }
    expect(renameTask(nameless, rename)).toBe(nameless)
  })

  it('is given to the task that a message belongs to', () => {
    expect(renameRelatedTask({ x: 1, _meta: related('t') }, rename)).toEqual({ x: 1, _meta: related('a:t') })
    const unrelated = { _meta: { progressToken: 1 } }
    expect(renameRelatedTask(unrelated, rename)).toBe(unrelated)
  })

  it('is given to an announced task of either form', () => {
    const nested = { task: { taskId: 't', ttl: 1 }, _meta: related('t') }
    expect(renameAnnouncedTask(nested, rename)).toEqual({ task: { taskId: 'a:t', ttl: 1 }, _meta: related('a:t') })
    const flat = { resultType: 'task', taskId: 't' }
    expect(renameAnnouncedTask(flat, rename)).toEqual({ resultType: 'task', taskId: 'a:t' })
  })
})

describe('the extension', () => {
  const declared = { extensions: { 'io.modelcontextprotocol/tasks': {}, 'vendor/x': { a: 1 } }, sampling: {} }

  it('is declared by an object of its name', () => {
    expect(declaresTasksExtension(declared)).toBe(true)
    expect(declaresTasksExtension({ extensions: { 'io.modelcontextprotocol/tasks': true } })).toBe(false)
    expect(declaresTasksExtension({ tasks: {} })).toBe(false)
  })

  it('is taken out alone', () => {
    expect(withoutTasksExtension(declared)).toEqual({ extensions: { 'vendor/x': { a: 1 } }, sampling: {} })
    const others = { extensions: { 'vendor/x': {} } }
    expect(withoutTasksExtension(others)).toBe(others)
  })
})

describe('core tasks of several servers', () => {
  const requests = { tools: { call: {} } }

  it('are taken where tools can be called so', () => {
    expect(takesTasks({ tasks: { requests } })).toBe(true)
    expect(takesTasks({ tasks: { list: {}, requests: { sampling: {} } } })).toBe(false)
    expect(takesTasks({ tools: {} })).toBe(false)
  })

  it('are promised with the operations that all of them have', () => {
    const whole = { tasks: { requests, list: {}, cancel: {} } }
    expect(joinTaskCapabilities([whole, whole, { tools: {} }])).toEqual({ requests, list: {}, cancel: {} })
    expect(joinTaskCapabilities([whole, { tasks: { requests, cancel: {} } }])).toEqual({ requests, cancel: {} })
    expect(joinTaskCapabilities([{ tools: {} }, { tasks: { list: {} } }])).toBeUndefined()
  })
})
