/** Which principal made which task. */
import { isJsonObject, type JsonObject } from '#core/protocol/json-rpc.ts'
import type { ClientCall } from '#gateway/client/client-call.ts'
import { parseMessage, rawText } from '#gateway/upstream/answer.ts'
import type { Answer } from '#gateway/upstream/upstream-session.ts'

const tasksMax = 100_000

export class TaskOwners {
  readonly #owners = new Map<string, string>()

  /** Whether a call can be answered with a task: 2025-11-25 asks for it in the call, the extension declares it once. */
  canAnnounce({ message, facts }: ClientCall): boolean {
    if (message.params?.['task'] !== undefined) return true
    const extensions = facts.capabilities['extensions']
    return isJsonObject(extensions) && 'io.modelcontextprotocol/tasks' in extensions
  }

  /** Remembers the task that a call's answer announces, if it does. */
  note(call: ClientCall, answer: Answer): Answer {
    const task = taskIn(answer)
    if (task === undefined) return answer
    if (this.#owners.size >= tasksMax) {
      const oldest = this.#owners.keys().next().value
      if (oldest !== undefined) this.#owners.delete(oldest)
    }
    this.#owners.set(ownerKey(call, task), call.principal.id)
    return answer
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
  const message = parseMessage(rawText(answer))
  return isJsonObject(message?.['result']) ? message['result'] : undefined
}
