import { GatewayError } from '#contract/errors.ts'
import { invalidBody, parseBody } from '#contract/parse-body.ts'
import { MintToken } from '#contract/resource-body.ts'
import type { Binding } from '#contract/role-binding.ts'
import type { Token } from '#contract/token.ts'
import { parseExpiry } from '#core/identity/expiry.ts'
import type { TokenSecrets } from '#core/identity/token-secrets.ts'
import { bindingKey, can, canRun } from '#core/rbac/evaluate.ts'
import type { Actor, Caller } from './actor.ts'
import { actsForOwner } from './authority.ts'
import { checkName } from './check-name.ts'
import { commit } from './commit.ts'
import type { ControlDeps } from './control-deps.ts'
import { freeName } from './ended-token.ts'
import { recorded } from './recorded.ts'
import { resolveReferences } from './resolve-references.ts'
import { newResource } from './to-resource.ts'
import { type ResourceView, toView } from './to-view.ts'
import type { TokenRoom } from './token-room.ts'
import { checkTokenGrant, requirePerson } from './token-rules.ts'
import { isFree } from './transition.ts'

export type TokenDeps = ControlDeps & { secrets: TokenSecrets }
export type MintDeps = TokenDeps & { tokenRoom: TokenRoom }

/** `secret` is the bearer: it is nowhere else, and cannot be had again. */
export type MintedToken = { secret: string; token: ResourceView }

/**
 * @param body see `MintToken`
 * @throws GatewayError `person_required`, `invalid_body`, `dangling_reference`, `forbidden`, `exceeds_creator`, `already_exists`,
 *   `too_many_tokens`, `storage_unavailable`
 */
export async function mintToken(deps: MintDeps, caller: Caller, body: unknown): Promise<MintedToken> {
  const { actor } = caller
  return recorded(deps, { caller, action: 'mint', kind: 'token', name: '' }, async (note) => {
    requirePerson(actor)
    const parsed = parseBody(MintToken, body)
    note.name = parsed.name
    checkName(deps, 'token', parsed.name)
    const named = toNamedToken(parsed, actor, deps.clock.now())
    const asked = await resolveReferences(deps, actor, { kind: 'token', spec: named, before: null })
    requireOwner(deps, actor, { owner: asked.owner, name: parsed.name })
    const token = parsed.rights === 'clone' ? { ...asked, bindings: union(actor.bindings, asked.bindings) } : asked
    checkTokenGrant(deps, actor, token)

    using _place = deps.tokenRoom.take(token.owner)
    const { raw, hash } = deps.secrets.mint()
    const spec = { ...token, ...newTokenState(raw, hash) }
    const resource = newResource(deps, actor, { kind: 'token', body: parsed, spec })
    await commit(deps, [...(await freeName(deps, actor, parsed.name)), { do: 'create', resource }])
    note.id = resource.id
    return { secret: raw, token: await toView(deps, actor, resource) }
  })
}

const prefixChars = 11

/** What the store keeps of a new bearer: enough of it to be recognised, far too little to be guessed. */
export function newTokenState(raw: string, digest: string) {
  return { digest, prefix: raw.slice(0, prefixChars), revokedAt: null, replacedBy: null }
}

/** A token as it was asked for, with names for ids. */
function toNamedToken(
  { name: _name, labels: _labels, rights: _rights, expires, expiresAt, owner, ...rest }: MintToken,
  actor: Actor,
  now: number,
): Token {
  return {
    ...rest,
    owner: owner ?? ownerOf(actor),
    expiresAt: toExpiresAt({ expires, expiresAt }, now),
  }
}

function ownerOf({ user }: Actor): Token['owner'] {
  if (!user) throw invalidBody([{ path: 'owner', problem: 'is required' }])
  return { kind: 'user', ref: user.id }
}

type AskedExpiry = { expires?: string | undefined; expiresAt?: number | null | undefined }

/** @throws GatewayError `invalid_body` */
export function toExpiresAt({ expires, expiresAt = null }: AskedExpiry, now: number): number | null {
  if (expires === undefined) {
    if (expiresAt !== null && expiresAt <= now) throw invalidBody([{ path: 'expiresAt', problem: 'has passed' }])
    return expiresAt
  }
  if (expiresAt !== null) throw invalidBody([{ path: 'expires', problem: 'stands beside expiresAt: give one of them' }])
  const expiry = parseExpiry(expires, now)
  if ('expiresAt' in expiry) return expiry.expiresAt
  throw invalidBody([{ path: 'expires', problem: expiryProblems[expiry.problem] }])
}

const expiryProblems = {
  not_understood: 'must be like 30d, never, or an ISO 8601 date',
  in_the_past: 'has passed',
  too_far: 'is more than 100 years away: never?',
} as const

/**
 * Whether the actor may make tokens of this owner: of itself, of the teams that it manages; with the right to create tokens of its other
 * teams; and of anybody with the right to act as others besides.
 */
export function requireOwner(
  { index }: Pick<ControlDeps, 'index'>,
  actor: Actor,
  { owner, name }: { owner: Token['owner']; name: string },
): void {
  if (isFree(actor) || actsForOwner(index, actor, owner)) return
  const isInTeam =
    owner.kind === 'team' && actor.user !== null && index.teamsOf(actor.user.id).some(({ id }) => id === owner.ref)
  const mayActFor = isInTeam || canRun(actor.bindings, 'impersonate')
  if (mayActFor && can(actor.bindings, 'create', { resource: 'tokens', name })) return
  throw new GatewayError('forbidden', { details: { role: 'create', resource: 'tokens', paths: ['owner'] } })
}

function union(one: readonly Binding[], other: readonly Binding[]): Binding[] {
  return [...new Map([...one, ...other].map((binding) => [bindingKey(binding), binding])).values()]
}
