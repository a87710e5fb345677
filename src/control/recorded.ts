/** Every change leaves an event, and every attempt that was refused as well. */
import { toGatewayError } from '#contract/errors.ts'
import type { ChangeAction, ChangeEvent } from '#core/audit/change-log.ts'
import type { Actor, Caller } from './actor.ts'
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
    const { requestId, changedBy } = caller
    changes.append({
      at: clock.now(),
      requestId,
      actor: toTeller(caller.actor),
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

/** A token is said as it was, for afterwards it may be gone. */
function toTeller({ kind, id, name, token }: Actor): ChangeEvent['actor'] {
  if (!token) return { kind, id, name }
  const { owner, digest } = token.spec
  return { kind, id, name, token: { holder: { kind: owner.kind, id: owner.ref }, digest } }
}
