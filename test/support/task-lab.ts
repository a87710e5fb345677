/** One gateway before servers with core tasks (2025-11-25), that differ in what they have of them. */
import { startGateway } from './gateway-process.ts'
import type { Address, LegacySession, Received } from './raw/client.ts'
import type { Json, RawHandler, RawHandlers } from './raw/exchange.ts'
import { startRawUpstream, type RawUpstream } from './raw/http-upstream.ts'
import { coreTasks, createTaskServer, type TaskServer } from './raw/task-server.ts'
import { tokenFor } from './tokens.ts'

type Name = 'one' | 'two' | 'shared' | 'some' | 'none' | 'next'

export type TaskLab = AsyncDisposable & {
  /** `ann` and `bob` may call everything, `eve` may only look. */
  at(path: string, user?: 'ann' | 'bob' | 'eve'): Address
  upstream(name: Name): RawUpstream
  server(name: Name): TaskServer
  /** Gives a server other handlers, until the end of the block. */
  replace(name: Name, handlers: RawHandlers): Disposable
  handler(name: Name, method: string): RawHandler
}

/** `one` and `two` are alike, and have the same ids; `some` lists no tasks, `none` has none, `next` is modern. */
const servers: Readonly<Record<Name, () => TaskServer>> = {
  one: () => createTaskServer('one'),
  two: () => createTaskServer('two'),
  shared: () => createTaskServer('shared'),
  some: () => createTaskServer('some', { tools: {}, tasks: { cancel: {}, requests: coreTasks.requests } }),
  none: () => createTaskServer('none', { tools: {} }),
  next: () => createTaskServer('next'),
}

export async function startTaskLab(): Promise<TaskLab> {
  await using starting = new AsyncDisposableStack()
  const started = new Map<string, { upstream: RawUpstream; server: TaskServer }>()
  const definitions: Record<string, unknown> = {}
  for (const [name, create] of Object.entries(servers)) {
    const server = create()
    const upstream = starting.use(await startRawUpstream([name === 'next' ? 'modern' : 'legacy'], { name, ...server }))
    started.set(name, { upstream, server })
    const isolation = name === 'shared' ? 'shared' : 'principal'
    definitions[name] = { url: upstream.url, isolation, labels: ['one', 'two'].includes(name) ? ['twins'] : [] }
  }
  const gateway = starting.use(
    await startGateway({
      servers: definitions,
      limits: { listingTimeoutMs: 1_000 },
      policies: { all: { default: 'execute' }, looking: { default: 'read' } },
      tokens: ['ann', 'bob', 'eve'].map((name) => ({
        name,
        secret: tokenFor(name),
        policies: [name === 'eve' ? 'looking' : 'all'],
      })),
    }),
  )
  const all = starting.move()
  const find = (name: Name) => started.get(name) ?? fail(name)
  const handler = (name: Name, method: string): RawHandler => find(name).upstream.handlers[method] ?? fail(method)
  return {
    at: (path, user = 'ann') => ({ url: `${gateway.url}${path}`, token: tokenFor(user) }),
    upstream: (name) => find(name).upstream,
    server: (name) => find(name).server,
    handler,
    replace(name, handlers) {
      const { upstream } = find(name)
      const before = { ...upstream.handlers }
      Object.assign(upstream.handlers, handlers)
      return { [Symbol.dispose]: () => void Object.assign(upstream.handlers, before) }
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

function fail(what: string): never {
  throw new Error(`there is no ${what}`)
}

/** Calls a tool as a task. @returns the id that the caller is given */
export async function begin(client: LegacySession, name: string, more: Json = {}): Promise<string> {
  const answer = await client.ask('tools/call', { name, arguments: {}, task: { ttl: 60_000 }, ...more })
  const task = answer.result?.['task'] as Json | undefined
  if (typeof task?.['taskId'] !== 'string') throw new Error(`no task: ${JSON.stringify(answer)}`)
  return task['taskId']
}

/** The server's own id, of one that an aggregate gave. */
export const ownId = (exposed: string): string => exposed.replace(/^[a-z]+:/, '')

/** The error, without the id of the request, which no two share. */
export const refusalOf = ({ error }: Received): unknown => error && { ...error, data: { ...error.data, requestId: '' } }
