/** Every change leaves an event, and every attempt that was refused as well. */
import { toGatewayError } from '#contract/errors.ts'
import type { ChangeAction, ChangeEvent } from '#core/audit/change-log.ts'
import type { Caller } from './actor.ts'
import type { ControlDeps } from './control-deps.ts'

/** What is found out about the resource on the way. */
export type ChangeNote = { id: string; name: string; changed: readonly string[] }

type What = { caller: Caller; action: ChangeAction; kind: ChangeEvent['resource']['kind']; name: string }

export async function recorded<Result>(
  { changes, clock }: Pick<ControlDeps, 'changes' | 'clock'>,
  { caller, action, kind, name }: What,
  run: (note: ChangeNote) => Promise<Result>,
): Promise<Result> {
  const note: ChangeNote = { id: '', name, changed: [] }
  const append = (outcome: string) => {
    const { actor, requestId, changedBy } = caller
    changes.append({
      at: clock.now(),
      requestId,
      actor: { kind: actor.kind, id: actor.id, name: actor.name },
      changedBy,
      action,
      resource: { kind, id: note.id, name: note.name },
      changed: note.changed,
      outcome,
    })
  }
  try {
    const result = await run(note)
    append('ok')
    return result
  } catch (error) {
    append(toGatewayError(error).code)
    throw error
  }
}
