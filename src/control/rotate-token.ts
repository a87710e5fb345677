import { GatewayError } from '#contract/errors.ts'
import { parseBody } from '#contract/parse-body.ts'
import { RotateToken } from '#contract/resource-body.ts'
import { tokenStatus } from '#core/identity/token-status.ts'
import type { Change, Resource } from '#core/resources/resource-store.ts'
import type { Actor, Caller } from './actor.ts'
import { actsForOwner } from './authority.ts'
import { commit } from './commit.ts'
import type { ControlDeps } from './control-deps.ts'
import { endedName } from './ended-token.ts'
import { getFor } from './get-resource.ts'
import { type MintedToken, newTokenState, requireOwner, toExpiresAt, type MintDeps } from './mint-token.ts'
import { recorded } from './recorded.ts'
import { newResource } from './to-resource.ts'
import { toView } from './to-view.ts'
import { checkTokenGrant, holdsToken, requirePerson } from './token-rules.ts'
import { exceedsCreator } from './transition.ts'
import { requireChangeable } from './update-resource.ts'

type Token = Resource<'token'>

/**
 * A new token takes the old one's name and all that it may; the old one stays valid beside it for the overlap, under another name.
 *
 * @param body see `RotateToken`
 * @throws GatewayError `person_required`, `no_such_resource`, `forbidden`, `read_only`, `version_conflict`, `invalid_body`,
 *   `token_inactive`, `too_many_tokens`, `exceeds_creator`, `storage_unavailable`
 */
export async function rotateToken(
  deps: MintDeps,
  caller: Caller,
  { ref, version, body }: { ref: string; version: number | null; body: unknown },
): Promise<MintedToken> {
  const { actor } = caller
  return recorded(deps, { caller, action: 'rotate', kind: 'token', name: ref }, async (note) => {
    requirePerson(actor)
    const old: Token = await getFor(deps, actor, { kind: 'token', ref, role: 'edit' })
    note.id = old.id
    note.name = old.name
    requireChangeable(old, version)
    const asked = parseBody(RotateToken, body)
    const now = deps.clock.now()
    requireRotatable(deps, actor, { old, now })

    using _place = deps.tokenRoom.take(old.spec.owner)
    const { raw, hash } = deps.secrets.mint()
    const spec = { ...old.spec, ...newTokenState(raw, hash), expiresAt: newExpiry(deps, actor, { old, asked, now }) }
    const successor = newResource(deps, actor, { kind: 'token', body: old, spec })
    const replaced = toReplaced(old, successor.id, { now, overlapMs: asked.overlapMs, by: actor.id })
    await commit(deps, [
      { do: 'update', resource: replaced },
      { do: 'create', resource: successor },
      ...(await bindSuccessor(deps, old.id, successor.id)),
    ])
    return { secret: raw, token: await toView(deps, actor, successor) }
  })
}

/** Whose token it is may have a new secret for it, whatever it may; anybody else must have all that comes with it. */
function requireRotatable(deps: ControlDeps, actor: Actor, { old, now }: { old: Token; now: number }): void {
  requireOwner(deps, actor, { owner: old.spec.owner, name: old.name })
  if (!actsForOwner(deps.index, actor, old.spec.owner)) checkTokenGrant(deps, actor, old.spec)
  const status = old.spec.replacedBy === null ? tokenStatus(old.spec, now) : 'replaced'
  if (status !== 'active') throw new GatewayError('token_inactive', { details: { status } })
}

type Renewal = { old: Token; asked: RotateToken; now: number }

/** What somebody was lent, and could not make for itself, ends when it was to end. */
function newExpiry(deps: ControlDeps, actor: Actor, { old, asked, now }: Renewal): number | null {
  const { expiresAt: endsAt } = old.spec
  if (endsAt === null || holdsToken(deps, actor, old.spec)) return wantedExpiry(old, asked, now)
  const wanted = wantedExpiry(old, asked, now) ?? Infinity
  if (asked.expires !== undefined && wanted > endsAt) throw exceedsCreator('expires')
  return Math.min(wanted, endsAt)
}

function wantedExpiry({ spec, createdAt }: Token, { expires }: RotateToken, now: number): number | null {
  if (expires !== undefined) return toExpiresAt({ expires }, now)
  return spec.expiresAt === null ? null : now + Math.max(1, spec.expiresAt - createdAt)
}

function toReplaced(
  old: Token,
  successorId: string,
  { now, overlapMs, by }: { now: number; overlapMs: number; by: string },
): Token {
  const expiresAt = Math.min(old.spec.expiresAt ?? Infinity, now + overlapMs)
  const revokedAt = overlapMs === 0 ? now : null
  const spec = { ...old.spec, expiresAt, revokedAt, replacedBy: successorId }
  return { ...old, name: endedName(old), updatedAt: now, updatedBy: by, spec }
}

const roleBindingsMax = 1_000

/** What is bound to the token by name goes on with its successor. */
async function bindSuccessor({ store }: ControlDeps, oldId: string, id: string): Promise<Change[]> {
  const changes: Change[] = []
  for (const referrer of await store.referrers('token', oldId, roleBindingsMax)) {
    const binding = referrer.kind === 'role_binding' ? await store.get('role_binding', referrer.id) : null
    if (!binding) continue
    const subjects = [...binding.spec.subjects, { kind: 'token' as const, ref: id }]
    changes.push({ do: 'update', resource: { ...binding, spec: { ...binding.spec, subjects } } })
  }
  return changes
}
