/**
 * Tasks, relayed where both ends speak the same form: the core tasks of 2025-11-25 between legacy ends, the tasks extension between
 * modern ends, on a server's own endpoint. A task belongs to the principal who made it.
 */
import { GatewayError } from '#contract/errors.ts'
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'
import { forward } from '#gateway/relay/forward.ts'
import { parseMessage } from '#gateway/upstream/answer.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'
import type { Run } from './method-context.ts'
import { requireText } from './route.ts'

const tasksMax = 100_000

/** Who made which task. */
export class TaskOwners {
  readonly #owners = new Map<string, string>()

  /** Remembers the task that a call's answer announces, if it does. */
  note(call: ClientCall, answer: Answer): void {
    const task = taskIn(answer)
    if (task === undefined) return
    if (this.#owners.size >= tasksMax) {
      const oldest = this.#owners.keys().next().value
      if (oldest !== undefined) this.#owners.delete(oldest)
    }
    this.#owners.set(ownerKey(call, task), call.principal.id)
  }

  owns(call: ClientCall, task: string): boolean {
    return this.#owners.get(ownerKey(call, task)) === call.principal.id
  }
}

function ownerKey(call: ClientCall, task: string): string {
  return `${call.endpoint.upstreams[0]?.name ?? ''} ${task}`
}

function taskIn(answer: Answer): string | undefined {
  const result = resultWithTask(answer)
  if (!result) return undefined
  // 2025-11-25 nests the task; the extension's result is the task.
  const task = isJsonObject(result['task']) ? result['task'] : result
  const id = task['taskId']
  return typeof id === 'string' ? id : undefined
}

function resultWithTask(answer: Answer): JsonObject | undefined {
  if ('result' in answer) return answer.result
  if (!('raw' in answer) || !answer.raw.includes('"taskId"')) return undefined
  const message = parseMessage(answer.raw.toString())
  return isJsonObject(message?.['result']) ? message['result'] : undefined
}

/** `tasks/get`, `tasks/result`, `tasks/cancel` (2025-11-25) and `tasks/get`, `tasks/update`, `tasks/cancel` (the extension). */
export async function relayTask(run: Run): Promise<Answer> {
  const { call, facts, context } = run
  const [upstream] = call.endpoint.upstreams
  if (call.endpoint.kind !== 'single' || !upstream) throw new GatewayError('method_not_found')
  const taskId = requireText(call.message.params, 'taskId')
  facts.server = upstream.name
  facts.target = taskId
  const isOwn = context.tasks.owns(call, taskId)
  if (!isOwn) throw new GatewayError('invalid_params', { details: { reason: 'no such task' } })
  await requireSameEra(run)
  const { method, params } = call.message
  return forward(call, { upstream, method, params: params ?? {}, paramHeaders: [], toExposed: null }, context.forward)
}

async function requireSameEra({ call }: Run): Promise<void> {
  const [upstream] = call.endpoint.upstreams
  const user = {
    principalId: call.principal.id,
    sessionId: call.session?.id ?? null,
    capabilities: call.facts.capabilities,
  }
  const session = await upstream?.place(user).acquire()
  if (session?.facts.era !== call.era) throw new GatewayError('method_not_found')
}
