/**
 * Tasks, in the two forms that do not map onto each other: the core tasks of 2025-11-25 (basic/utilities/tasks), which a call asks for,
 * and the extension of modern MCP (SEP-2663), in which a server answers a call with one.
 */
import { isJsonObject, type JsonObject } from './json-rpc.ts'
import { newestLegacyRevision, type Era } from './revisions.ts'

export const tasksExtensionKey = 'io.modelcontextprotocol/tasks'
const relatedTaskKey = 'io.modelcontextprotocol/related-task'

/** `ttlMs` counts from now; null: for ever, or unknown. */
export type AnnouncedTask = { id: string; ttlMs: number | null }

/** Ids are remembered. */
const idCharsMax = 1_024

/** The task with which a call was answered: 2025-11-25 nests it, the extension's result is the task. One of a longer id is none. */
export function announcedTask(result: JsonObject, era: Era): AnnouncedTask | undefined {
  if (era === 'modern' && result['resultType'] !== 'task') return undefined
  const task = era === 'modern' ? result : result['task']
  if (!isJsonObject(task) || typeof task['taskId'] !== 'string' || task['taskId'].length > idCharsMax) return undefined
  const ttl = era === 'modern' ? task['ttlMs'] : task['ttl']
  return { id: task['taskId'], ttlMs: typeof ttl === 'number' && ttl >= 0 ? ttl : null }
}

const terminal: readonly unknown[] = ['completed', 'failed', 'cancelled']

export function hasTaskEnded({ status }: JsonObject): boolean {
  return terminal.includes(status)
}

/** 2025-11-25 calls it `notifications/tasks/status`, the extension `notifications/tasks`. */
export function isTaskStatus({ method }: { method: string }): boolean {
  return method === 'notifications/tasks/status' || method === 'notifications/tasks'
}

/** The task that a request or a notification is about: it names it, or is said to belong to it. */
export function taskNamedIn(message: { method: string; params?: JsonObject | undefined }): string | undefined {
  const { method, params } = message
  const isOfTask = method.startsWith('tasks/') || isTaskStatus(message)
  const id = isOfTask ? params?.['taskId'] : relatedTaskOf(params)?.['taskId']
  return typeof id === 'string' ? id : undefined
}

function relatedTaskOf(object: JsonObject | undefined): JsonObject | undefined {
  const meta = object?.['_meta']
  const related = isJsonObject(meta) ? meta[relatedTaskKey] : undefined
  return isJsonObject(related) ? related : undefined
}

type Rename = (taskId: string) => string

/** Gives the task that a message is said to belong to another name. */
export function renameRelatedTask(object: JsonObject, rename: Rename): JsonObject {
  const related = relatedTaskOf(object)
  if (!related) return object
  const meta = isJsonObject(object['_meta']) ? object['_meta'] : {}
  return { ...object, _meta: { ...meta, [relatedTaskKey]: renameTask(related, rename) } }
}

/** Gives a task, or what holds one, another name. */
export function renameTask(task: JsonObject, rename: Rename): JsonObject {
  const id = task['taskId']
  return typeof id === 'string' ? { ...task, taskId: rename(id) } : task
}

/** The result of a call that was answered with a task, with that task under another name. */
export function renameAnnouncedTask(result: JsonObject, rename: Rename): JsonObject {
  const { task } = result
  const renamed = isJsonObject(task) ? { ...result, task: renameTask(task, rename) } : renameTask(result, rename)
  return renameRelatedTask(renamed, rename)
}

/** Whether the client, or the server, of modern MCP knows the extension. */
export function declaresTasksExtension(capabilities: JsonObject): boolean {
  const { extensions } = capabilities
  return isJsonObject(extensions) && isJsonObject(extensions[tasksExtensionKey])
}

export function withTasksExtension(capabilities: JsonObject): JsonObject {
  const { extensions } = capabilities
  return { ...capabilities, extensions: { ...(isJsonObject(extensions) ? extensions : {}), [tasksExtensionKey]: {} } }
}

export function withoutTasksExtension(capabilities: JsonObject): JsonObject {
  if (!declaresTasksExtension(capabilities)) return capabilities
  const { extensions } = capabilities
  const others = Object.entries(isJsonObject(extensions) ? extensions : {}).filter(([key]) => key !== tasksExtensionKey)
  return { ...capabilities, extensions: Object.fromEntries(others) }
}

/** Whether tools of a legacy server can be called as tasks. */
export function takesTasks({ tasks }: JsonObject): boolean {
  const requests = isJsonObject(tasks) ? tasks['requests'] : undefined
  const tools = isJsonObject(requests) ? requests['tools'] : undefined
  return isJsonObject(tools) && isJsonObject(tools['call'])
}

/** Core tasks are 2025-11-25's own: an older client knows none. */
export function knowsTasks(revision: string): boolean {
  return revision === newestLegacyRevision
}

/** What a client of another revision declares: no upstream is to believe that it knows the tasks of 2025-11-25. */
export function withoutCoreTasks(capabilities: JsonObject): JsonObject {
  if (!('tasks' in capabilities)) return capabilities
  const { tasks: _tasks, ...rest } = capabilities
  return rest
}

/** What several legacy servers can do with tasks at one address: an operation that one of them lacks is not promised for any. */
export function joinTaskCapabilities(all: readonly JsonObject[]): JsonObject | undefined {
  const able = all.filter(takesTasks).flatMap(({ tasks }) => (isJsonObject(tasks) ? [tasks] : []))
  if (able.length === 0) return undefined
  const joined: JsonObject = { requests: { tools: { call: {} } } }
  for (const operation of ['list', 'cancel'] as const) {
    if (able.every((tasks) => isJsonObject(tasks[operation]))) joined[operation] = {}
  }
  return joined
}
