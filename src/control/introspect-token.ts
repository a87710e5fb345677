import { isTokenForm } from '#core/identity/token-form.ts'
import { isActiveToken, isHeld } from '#core/identity/token-status.ts'
import { formatBinding } from '#core/rbac/binding-syntax.ts'
import { bindingsOfToken } from '#core/rbac/rights.ts'
import type { Resource } from '#core/resources/resource-store.ts'
import type { Actor } from './actor.ts'
import { isAllowed } from './authority.ts'
import type { TokenDeps } from './mint-token.ts'

/** RFC 7662 §2.2: its members in its own spelling, times in Unix seconds. */
export type TokenIntrospection =
  | { active: false }
  | {
      active: true
      token_type: 'Bearer'
      /** The token's id. */
      jti: string
      /** The owner's id and name. */
      sub: string
      username: string
      iat: number
      exp?: number
      /** What it may manage at this moment, as bindings are written. */
      scope: string
      token_name: string
      owner_kind: 'user' | 'team'
      project?: string
      endpoints?: readonly string[]
    }

const inactive: TokenIntrospection = { active: false }

/**
 * What a token is good for. Whoever holds it may ask, and who may see it; to anybody else it is as one that there is not, and every way of
 * being no good is one and the same answer.
 *
 * @param actor who asks; null: nobody was identified
 */
export function introspectToken(
  deps: Pick<TokenDeps, 'index' | 'clock' | 'secrets'>,
  actor: Actor | null,
  raw: string,
): TokenIntrospection {
  if (!isTokenForm(raw)) return inactive
  const token = deps.index.tokenByDigest(deps.secrets.hash(raw))
  const mayAsk =
    token && actor && (actor.token?.id === token.id || isAllowed(deps.index, actor, { role: 'view', resource: token }))
  return mayAsk ? describe(deps, token) : inactive
}

function describe({ index, clock }: Pick<TokenDeps, 'index' | 'clock'>, token: Resource<'token'>): TokenIntrospection {
  const now = clock.now()
  const { spec } = token
  const owner = index.get(spec.owner.kind, spec.owner.ref)
  if (!owner || !isHeld(index, spec) || !isActiveToken(spec, now)) return inactive
  const project = spec.project === undefined ? undefined : index.get('project', spec.project)
  return {
    active: true,
    token_type: 'Bearer',
    jti: token.id,
    sub: owner.id,
    username: owner.name,
    iat: Math.floor(token.createdAt / 1_000),
    ...(spec.expiresAt !== null && { exp: Math.floor(spec.expiresAt / 1_000) }),
    scope: bindingsOfToken(index, token, now).map(formatBinding).join(' '),
    token_name: token.name,
    owner_kind: owner.kind,
    ...(project && { project: project.name }),
    ...(spec.endpoints !== undefined && { endpoints: spec.endpoints }),
  }
}
