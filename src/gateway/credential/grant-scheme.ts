/** Accounts that each owner has connected in a browser (RFC 6749 §4.1). */
import type { Credential } from '#contract/credential.ts'
import type { Resolved } from '#contract/secret-text.ts'
import type { ServedServer } from '#contract/server.ts'
import { parseChallenge } from '#core/credential/challenge.ts'
import type { GrantPlan, KeptGrant } from '#core/credential/grant-plan.ts'
import type { UpstreamRefusal } from '#core/credential/lease.ts'
import type { CredentialOwner } from '#core/credential/stored-credential.ts'
import type { CredentialDeps } from './credential-deps.ts'
import { createPlan, giftOf } from './grant-plans.ts'
import { refusals, type Refusals } from './refusals.ts'
import { bearerIn, toNext, type Presented, type Scheme } from './scheme.ts'

type Definition = Resolved<Extract<Credential, { kind: 'oauth2_authorization_code' }>>
type Deps = Pick<CredentialDeps, 'keeper' | 'sources' | 'connectUrl'>

export class GrantScheme implements Scheme {
  readonly isAccount = true
  readonly #definition: Definition
  readonly #server: ServedServer
  readonly #deps: Deps
  readonly #refuse: Refusals

  constructor(definition: Definition, server: ServedServer, deps: Deps) {
    this.#definition = definition
    this.#server = server
    this.#deps = deps
    this.#refuse = refusals(server, deps)
  }

  present(owner: CredentialOwner): Presented | Promise<Presented> {
    return toNext(this.#deps.keeper.current(this.#plan(owner)), (kept) => this.#toPresented(kept))
  }

  async refused(owner: CredentialOwner, used: Presented | null, refusal: UpstreamRefusal): Promise<Presented> {
    const { keeper } = this.#deps
    const { status, isLast } = refusal
    const plan = this.#plan(owner)
    if (status === 403) throw await this.#forbidden(plan, refusal)
    if (!used) {
      if (isLast) throw this.#refuse.authFailed(status)
      return this.present(owner)
    }
    if (!isLast) return this.#toPresented(await keeper.renew(plan, used.text))
    await keeper.refuse(plan, used.text)
    throw plan.refusal('needs_attention', 'refused_by_server')
  }

  /** A 403 says nothing of the grant, unless it names scopes that it lacks (RFC 6750 §3.1; MCP, step-up authorization). */
  async #forbidden(plan: GrantPlan, { status, challenge }: UpstreamRefusal): Promise<Error> {
    const asked = parseChallenge(challenge)
    if (asked?.error !== 'insufficient_scope') return this.#refuse.authFailed(status)
    const { grant } = await this.#deps.keeper.current(plan)
    const lacking = (asked.scopes ?? []).filter((scope) => grant.scopes?.includes(scope) !== true)
    // What it names it has: asking for it again leads nowhere.
    if (lacking.length === 0) return this.#refuse.authFailed(status)
    await this.#deps.keeper.wantScopes(plan, lacking)
    return plan.refusal('needs_attention', 'more_scopes_needed')
  }

  #plan(owner: CredentialOwner): GrantPlan {
    const { header: _header, kind: _kind, owner: _owner, ...definition } = this.#definition
    return createPlan({ server: this.#server, owner, definition, isAtServer: true }, this.#deps)
  }

  #toPresented({ grant, goodUntil }: KeptGrant): Presented {
    const { accessToken: text } = grant
    return { text, gift: giftOf(grant), headers: [bearerIn(this.#definition.header, text)], goodUntil }
  }
}
