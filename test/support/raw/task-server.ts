/** A raw upstream with tasks, of either form. Its ids are simple and the same for all servers, as a careless server's are. */
import { RpcFailure, textResult, tool, type Json, type RawCall, type RawHandlers } from './exchange.ts'

export type TaskState = { taskId: string; status: string; [member: string]: unknown }

export type TaskServer = {
  capabilities: Json
  handlers: RawHandlers
  /** By id, in the order in which they were made. */
  tasks: Map<string, TaskState>
  /** Ends a task, with the tool's result. */
  complete(taskId: string, text: string): void
}

const requests = { tools: { call: {} } }
export const coreTasks = { list: {}, cancel: {}, requests }
const extensionKey = 'io.modelcontextprotocol/tasks'
export const tasksExtension = { extensions: { [extensionKey]: {} } }
export const relatedTo = (taskId: unknown): Json => ({ 'io.modelcontextprotocol/related-task': { taskId } })

/** The core tasks of 2025-11-25. `slow` becomes a task where it is asked to; `plain` never does. */
export function createTaskServer(name: string, capabilities: Json = { tools: {}, tasks: coreTasks }): TaskServer {
  const book = new TaskBook(name)
  const handlers: RawHandlers = {
    'tools/list': () => ({ tools: [tool('slow', { execution: { taskSupport: 'optional' } }), tool('plain')] }),
    'tools/call': ({ params }) =>
      params['name'] === 'slow' && params['task'] !== undefined
        ? { task: book.make({ ttl: 60_000, pollInterval: 10 }) }
        : textResult(`${name}: at once`),
    'tasks/get': (call) => book.get(call),
    'tasks/cancel': (call) => book.change(call, { status: 'cancelled' }),
    'tasks/result': async (call) => {
      const { taskId } = book.get(call)
      return { ...(await book.resultOf(taskId)), _meta: relatedTo(taskId) }
    },
    'tasks/list': () => ({ tasks: [...book.tasks.values()] }),
  }
  return { capabilities, handlers, tasks: book.tasks, complete: (taskId, text) => book.complete(taskId, text) }
}

/** The tasks extension of modern MCP. `slow` becomes a task for a client that declares the extension, `ask` one that wants input. */
export function createTaskExtensionServer(name: string): TaskServer {
  const book = new TaskBook(name)
  const question = {
    method: 'elicitation/create',
    params: { mode: 'form', message: 'Which one?', requestedSchema: {} },
  }
  const handlers: RawHandlers = {
    'tools/list': () => ({ tools: [tool('slow'), tool('ask')] }),
    'tools/call': ({ params }) => {
      if (!declaresExtension(params)) return textResult(`${name}: at once`)
      const more = params['name'] === 'ask' ? { status: 'input_required' } : {}
      return { resultType: 'task', ...book.make({ ttlMs: 60_000, pollIntervalMs: 10, ...more }) }
    },
    'tasks/get': (call) => {
      const task = book.get(call)
      return task.status === 'input_required' ? { ...task, inputRequests: { which: question } } : task
    },
    'tasks/update': (call) => {
      book.complete(book.get(call).taskId, `${name}: ${JSON.stringify(call.params['inputResponses'])}`)
      return {}
    },
    'tasks/cancel': (call) => {
      book.change(call, { status: 'cancelled' })
      return {}
    },
  }
  const complete = (taskId: string, text: string): void => book.complete(taskId, text)
  return { capabilities: { tools: {}, ...tasksExtension }, handlers, tasks: book.tasks, complete }
}

function declaresExtension(params: Json): boolean {
  const meta = params['_meta'] as Record<string, { extensions?: Json } | undefined> | undefined
  return meta?.['io.modelcontextprotocol/clientCapabilities']?.extensions?.[extensionKey] !== undefined
}

class TaskBook {
  readonly tasks = new Map<string, TaskState>()
  readonly #name: string
  readonly #ended = new Map<string, PromiseWithResolvers<Json>>()

  constructor(name: string) {
    this.#name = name
  }

  make(more: Json): TaskState {
    const taskId = `task-${this.tasks.size + 1}`
    const times = { createdAt: '2026-01-01T00:00:00Z', lastUpdatedAt: '2026-01-01T00:00:00Z' }
    const task = { taskId, status: 'working', statusMessage: this.#name, ...times, ...more }
    this.tasks.set(taskId, task)
    this.#ended.set(taskId, Promise.withResolvers())
    return task
  }

  get({ params }: RawCall): TaskState {
    const task = this.tasks.get(String(params['taskId']))
    if (!task) throw new RpcFailure(-32602, `${this.#name} has no such task`)
    return task
  }

  change(call: RawCall, more: Json): TaskState {
    const task = { ...this.get(call), ...more }
    this.tasks.set(task.taskId, task)
    return task
  }

  /** Of both forms: one has the result in the task, the other gives it when it is asked for. */
  complete(taskId: string, text: string): void {
    const task = this.tasks.get(taskId)
    if (!task) throw new Error(`no ${taskId}`)
    const link = { type: 'resource_link', uri: 'test://made', name: 'made' }
    const result = { content: [{ type: 'text', text }, link] }
    const isCore = 'ttl' in task
    this.tasks.set(taskId, { ...task, status: 'completed', ...(isCore ? {} : { result }) })
    this.#ended.get(taskId)?.resolve(result)
  }

  resultOf(taskId: string): Promise<Json> {
    return this.#ended.get(taskId)?.promise ?? Promise.reject(new Error(`no ${taskId}`))
  }
}
