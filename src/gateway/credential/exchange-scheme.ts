/** Tokens that are had for a user's token of another place: RFC 8693, Microsoft Entra on-behalf-of, identity assertion grants (ID-JAG). */
import type { Credential } from '#contract/credential.ts'
import type { GatewayError } from '#contract/errors.ts'
import type { Resolved } from '#contract/secret-text.ts'
import type { ServedServer } from '#contract/server.ts'
import type { Cached } from '#core/credential/credential-cache.ts'
import { reasonOf } from '#core/credential/credential-refusals.ts'
import type { GrantPlan } from '#core/credential/grant-plan.ts'
import type { UpstreamRefusal } from '#core/credential/lease.ts'
import type { TokenSet } from '#core/credential/oauth-client.ts'
import type { CredentialOwner, StoredGrant } from '#core/credential/stored-credential.ts'
import type { CredentialDeps } from './credential-deps.ts'
import { giftOf, planOf, urlOf } from './grant-plans.ts'
import { refusals, type Refusals } from './refusals.ts'
import { bearerIn, toNext, type Presented, type Scheme } from './scheme.ts'

type Definition = Resolved<Extract<Credential, { kind: 'oauth2_token_exchange' }>>
type Deps = Pick<CredentialDeps, 'keeper' | 'sources' | 'oauth' | 'exchanged' | 'hash' | 'connectUrl'>

const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
const idTokenType = 'urn:ietf:params:oauth:token-type:id_token'

export class ExchangeScheme implements Scheme {
  readonly #definition: Definition
  readonly #server: ServedServer
  readonly #deps: Deps
  readonly #refuse: Refusals
  /** All that a token depends on, but for whose it is: one that was had for another audience or address is not sent here. */
  readonly #source: string

  constructor(definition: Definition, server: ServedServer, deps: Deps) {
    this.#definition = definition
    this.#server = server
    this.#deps = deps
    this.#refuse = refusals(server, deps)
    this.#source = deps.hash(JSON.stringify([server.id, urlOf(server), definition]))
  }

  present(owner: CredentialOwner): Presented | Promise<Presented> {
    const plan = planOf(this.#server, owner, this.#deps)
    if (!plan) throw this.#refuse.required(owner, 'missing', null)
    const kept = this.#deps.keeper.current(plan)
    return kept instanceof Promise
      ? kept.then(({ grant }) => this.#exchanged(plan, grant))
      : this.#exchanged(plan, kept.grant)
  }

  /** It may be the server's word against a token that is good: a new one is tried, and the account is left as it is. */
  async refused(owner: CredentialOwner, used: Presented | null, refusal: UpstreamRefusal): Promise<Presented> {
    if (refusal.isLast) throw this.#refuse.authFailed(refusal.status)
    if (used) this.#deps.exchanged.drop(this.#keyOf(owner), used.text)
    return this.present(owner)
  }

  #exchanged(plan: GrantPlan, grant: StoredGrant): Presented | Promise<Presented> {
    const key = this.#keyOf(plan.owner)
    const get = async () => {
      const { accessToken: value, expiresAt } = await this.#exchange(plan, grant)
      return { value, expiresAt }
    }
    const serverName = this.#server.name
    const cached = this.#deps.exchanged.current({ key, of: grant.accessToken, serverName, get })
    return toNext(cached, (one) => this.#toPresented(one, giftOf(grant)))
  }

  #keyOf({ ref }: CredentialOwner): string {
    return `${this.#source} ${ref}`
  }

  #toPresented({ value, goodUntil }: Cached<string>, gift: string): Presented {
    return { text: value, gift, headers: [bearerIn(this.#definition.header, value)], goodUntil }
  }

  /** An identity token can have ended before the access token that came with it. */
  async #exchange(plan: GrantPlan, grant: StoredGrant): Promise<TokenSet> {
    try {
      return await this.#ask(plan, grant)
    } catch (error) {
      if (reasonOf(error) !== 'invalid_grant') throw error
      const renewed = await this.#deps.keeper.renew(plan, grant.accessToken)
      return this.#ask(plan, renewed.grant)
    }
  }

  async #ask(plan: GrantPlan, grant: StoredGrant): Promise<TokenSet> {
    const { profile, requestedTokenType = null } = this.#definition
    const { oauth, sources } = this.#deps
    const found = await sources.ofClient(this.#definition, urlOf(this.#server))
    const wish = {
      scopes: found.scopes,
      resource: found.resource,
      audience: this.#definition.audience ?? null,
      extra: {},
    }
    const subject = this.#subjectIn(plan, grant)
    if (profile !== 'id_jag') return oauth.exchange(found.source, { ...wish, ...subject, profile, requestedTokenType })
    const audience = this.#definition.audience ?? found.source.server.issuer
    const assertion = await oauth.issueAssertion(await plan.source(grant), { ...wish, ...subject, audience })
    return oauth.redeemAssertion(found.source, { ...wish, audience: null, assertion })
  }

  #subjectIn(
    plan: GrantPlan,
    { accessToken, idToken }: StoredGrant,
  ): { subjectToken: string; subjectTokenType: string } {
    const { profile, subjectTokenType = profile === 'id_jag' ? idTokenType : accessTokenType } = this.#definition
    const subjectToken = subjectTokenType === idTokenType ? idToken : accessToken
    if (subjectToken === null) throw noIdentity(plan)
    return { subjectToken, subjectTokenType }
  }
}

/** The provider was connected, and has not said who its user is. */
function noIdentity(plan: GrantPlan): GatewayError {
  return plan.refusal('needs_attention', 'more_scopes_needed')
}
