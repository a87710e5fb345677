/** Every change leaves an event, and every attempt that was refused as well. */
import { type GatewayError, toGatewayError } from '#contract/errors.ts'
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
  const append = (outcome: string, reason?: string) => {
    const { id, changed } = note
    const event = { action, resource: { kind, id, name: note.name }, changed, outcome }
    appendEvent({ changes, clock }, { caller, ...event, ...(reason !== undefined && { reason }) })
  }
  try {
    const result = await run(note)
    append('ok')
    return result
  } catch (error) {
    const failure = toGatewayError(error)
    append(failure.code, reasonOf(failure))
    throw error
  }
}

/** A word, for a sentence may hold what somebody wrote. */
function reasonOf({ details: { reason } }: GatewayError): string | undefined {
  return typeof reason === 'string' && /^[a-z_]{1,40}$/.test(reason) ? reason : undefined
}

type Told = Pick<ChangeEvent, 'action' | 'resource' | 'outcome'> & Partial<Pick<ChangeEvent, 'changed' | 'reason'>>

/** Of what is done to one resource because of what is done to another: each has its own event. */
export function appendEvent(
  { changes, clock }: Pick<ControlDeps, 'changes' | 'clock'>,
  { caller: { actor, requestId, changedBy }, changed = [], ...told }: Told & { caller: Caller },
): void {
  changes.append({ at: clock.now(), requestId, actor: toTeller(actor), changedBy, changed, ...told })
}

/** A token is said as it was, for afterwards it may be gone. */
function toTeller({ kind, id, name, token }: Actor): ChangeEvent['actor'] {
  if (!token) return { kind, id, name }
  const { owner, digest } = token.spec
  return { kind, id, name, token: { holder: { kind: owner.kind, id: owner.ref }, digest } }
}
