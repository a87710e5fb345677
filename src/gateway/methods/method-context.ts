/** What the methods of an endpoint work with. */
import type { Limits } from '#contract/limits.ts'
import type { Clock } from '#core/clock.ts'
import type { JsonObject } from '#core/protocol/json-rpc.ts'
import type { ListView, ViewCaller, Views } from '#gateway/catalog/views.ts'
import type { ListName } from '#gateway/catalog/list-fetch.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'
import { userOfCall } from '#gateway/client/user-of-call.ts'
import type { ListenHub } from '#gateway/client/listen-hub.ts'
import type { Registry } from '#gateway/endpoint.ts'
import type { CallFacts } from '#gateway/record.ts'
import type { ForwardDeps } from '#gateway/relay/forward.ts'
import type { SharedTasks } from '#gateway/tasks/shared-tasks.ts'
import type { TaskOwners } from '#gateway/tasks/task-owners.ts'
import type { TasksElsewhere } from '#gateway/tasks/tasks-elsewhere.ts'

export type MethodContext = {
  registry(): Registry
  views: Views
  clock: Clock
  limits: Limits
  separator: string
  forward: ForwardDeps
  hub: ListenHub
  tasks: TaskOwners
  sharedTasks: SharedTasks
  tasksElsewhere: Pick<TasksElsewhere, 'ask' | 'list'>
  /** Name, version and title of the gateway. */
  serverInfo: JsonObject
}

/** One call on its way through the methods; `facts` is what the audit will say of it. */
export type Run = { call: ClientCall; facts: CallFacts; context: MethodContext }

export function viewOf(run: Run, name: ListName): ListView | Promise<ListView> {
  return run.context.views.get(run.call.endpoint, name, toViewCaller(run.call))
}

export function toViewCaller(call: ClientCall): ViewCaller {
  return { access: call.principal.access, user: userOfCall(call) }
}
