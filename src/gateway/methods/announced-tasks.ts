/** Calls that are answered with a task: whose it is, and under which name the caller knows it. */
import { exposeTaskId } from '#core/naming/task-id.ts'
import type { JsonObject } from '#core/protocol/json-rpc.ts'
import { announcedTask, declaresTasksExtension, knowsTasks, renameAnnouncedTask } from '#core/protocol/tasks.ts'
import type { Exposed } from '#gateway/catalog/views.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'
import { resultWithTask } from '#gateway/upstream/answer.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'
import { toViewCaller, type Run } from './method-context.ts'

/** A task without a time limit, or with a long one, keeps its upstream session open this long at most. */
const keptMsMax = 3_600_000

/** Whether a call can be answered with a task: 2025-11-25 asks for it in the call, the extension declares it once. */
export function canBecomeTask({ era, revision, message, facts }: ClientCall): boolean {
  if (era === 'modern') return declaresTasksExtension(facts.capabilities)
  return message.params?.['task'] !== undefined && knowsTasks(revision)
}

/** A client of an older revision was told of no tasks: what it calls one is none (2025-11-25, tasks, task support and handling). */
export function knownParams({ era, revision, message }: ClientCall): JsonObject {
  const params = message.params ?? {}
  if (params['task'] === undefined || era === 'modern' || knowsTasks(revision)) return params
  const { task: _task, ...known } = params
  return known
}

/** Remembers whose task a call's answer announces, if it does, here and for all replicas, and gives it the endpoint's name. */
export async function noteTask(run: Run, tool: Exposed, answer: Answer): Promise<Answer> {
  const { call, context } = run
  const result = resultWithTask(answer)
  const task = result && announcedTask(result, call.era)
  if (!task) return answer
  const { upstream } = tool
  const own = { principalId: call.principal.id, server: upstream.name, taskId: task.id, tool: tool.item.key }
  // Each replica runs a program of its own.
  const scope = upstream.server.transport.kind === 'stdio' ? 'replica' : 'server'
  const shared = context.sharedTasks.share(own, { ttlMs: task.ttlMs, scope })
  const keptMs = Math.min(task.ttlMs ?? keptMsMax, keptMsMax)
  upstream.place(toViewCaller(call).user).keepUntil(context.clock.now() + keptMs)
  await shared
  if (call.endpoint.kind === 'single') return answer
  return { result: renameAnnouncedTask(result, (id) => exposeTaskId(upstream.name, id)) }
}
