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
    const { id, changed } = note
    appendEvent({ changes, clock }, { caller, action, resource: { kind, id, name: note.name }, changed, outcome })
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

type Told = Pick<ChangeEvent, 'action' | 'resource' | 'outcome'> & Partial<Pick<ChangeEvent, 'changed'>>

/** Of what is done to one resource because of what is done to another: each has its own event. */
export function appendEvent(
  { changes, clock }: Pick<ControlDeps, 'changes' | 'clock'>,
  { caller: { actor, requestId, changedBy }, action, resource, changed = [], outcome }: Told & { caller: Caller },
): void {
  changes.append({ at: clock.now(), requestId, actor: toTeller(actor), changedBy, action, resource, changed, outcome })
}

/** A token is said as it was, for afterwards it may be gone. */
function toTeller({ kind, id, name, token }: Actor): ChangeEvent['actor'] {
  if (!token) return { kind, id, name }
  const { owner, digest } = token.spec
  return { kind, id, name, token: { holder: { kind: owner.kind, id: owner.ref }, digest } }
}
