/** What was done, as an event says it: the same for all calls of one tool by one way, so it is made once, and shared by their events. */
import { cutText, type AuditEvent } from './audit-event.ts'
import { redactName } from './redaction.ts'

export type AuditWhat = Readonly<
  Pick<
    AuditEvent,
    | 'kind'
    | 'changedBy'
    | 'project'
    | 'toolset'
    | 'endpoint'
    | 'method'
    | 'server'
    | 'target'
    | 'targetId'
    | 'calledAs'
    | 'effect'
    | 'reason'
  >
>

/** Whoever may call chooses targets, and must not choose how much is remembered. */
const rememberedMax = 4_096
/** Of one target at one address: by which rules, and under which names. */
const variantsMax = 16

let remembered = 0
/** By endpoint, which may be longer than what is kept of it, and by target. */
const known = new Map<string, Map<string, AuditWhat[]>>()

/** What an event says: cut, and without what looks like a secret. What was said before, and was allowed, is the same object again. */
export function whatIs(given: AuditWhat): AuditWhat {
  // What is refused may be anything, and mostly is not said again.
  if (given.effect === 'deny') return toWhat(given)
  const variants = known.get(given.endpoint)?.get(given.target)
  if (variants) {
    for (const what of variants) if (isSame(what, given)) return what
  }
  const what = toWhat(given)
  // Else it would not be found again; and what was left out of it is not to be remembered.
  if (isSame(what, given) && isEndpointKept(what, given)) remember(given.endpoint, what)
  return what
}

function isEndpointKept(what: AuditWhat, given: AuditWhat): boolean {
  return given.kind === 'call' || what.endpoint === given.endpoint
}

function remember(endpoint: string, what: AuditWhat): void {
  if (remembered === rememberedMax) {
    known.clear()
    remembered = 0
  }
  remembered++
  const { target } = what
  let targets = known.get(endpoint)
  if (!targets) known.set(endpoint, (targets = new Map<string, AuditWhat[]>()))
  const variants = targets.get(target)
  if (!variants || variants.length === variantsMax) targets.set(target, [what])
  else variants.push(what)
}

/** At one endpoint. Written out: this runs for each call, and mostly compares a text with itself. */
function isSame(one: AuditWhat, other: AuditWhat): boolean {
  return (
    one.target === other.target &&
    one.method === other.method &&
    one.server === other.server &&
    one.calledAs === other.calledAs &&
    one.reason === other.reason &&
    one.project === other.project &&
    one.toolset === other.toolset &&
    one.kind === other.kind &&
    one.effect === other.effect &&
    one.targetId === other.targetId &&
    one.changedBy === other.changedBy
  )
}

/** Method, target and address are of a caller's choosing, and some put a secret where a name belongs. The address of a call is of ours. */
function toWhat(given: AuditWhat): AuditWhat {
  const { kind, endpoint } = given
  return {
    kind,
    changedBy: cutText(given.changedBy),
    project: cutText(given.project),
    toolset: cutText(given.toolset),
    endpoint: cutText(kind === 'call' ? endpoint : redactName(endpoint)),
    method: cutText(redactName(given.method)),
    server: cutText(given.server),
    target: cutText(redactName(given.target)),
    targetId: cutText(given.targetId),
    calledAs: cutText(redactName(given.calledAs)),
    effect: given.effect,
    reason: cutText(given.reason),
  }
}
