/** One renewal of a grant by whoever has claimed it: what was got is stored, whatever happens to the store meanwhile. */
import type { Clock } from '#core/clock.ts'
import type { CredentialEntry } from './credential-book.ts'
import { writeCredential, type MoveDeps } from './credential-moves.ts'
import { nameOfCredential } from './credential-name.ts'
import { credentialUnavailable } from './credential-refusals.ts'
import { isGrant, type GrantCredential } from './grant-life.ts'
import type { GrantPlan } from './grant-plan.ts'
import type { OAuthClient, TokenSource } from './oauth-client.ts'
import { renewedGrant, toRenewed } from './state-steps.ts'
import type { StoredCredential, StoredGrant } from './stored-credential.ts'

export type RenewalDeps = MoveDeps & { clock: Clock; oauth: Pick<OAuthClient, 'refresh' | 'revoke'> }

/** How long a claim holds. Then somebody else may renew, whose clock may be a little ahead: no request may be under way any more. */
export const claimMs = 30_000
const refreshMsMax = 15_000
const marginMs = 5_000

const saveMsMin = 250
const saveMsMax = 5_000

/** A grant that is renewed, and that the store does not have yet. */
type Unsaved = { credential: GrantCredential; claim: CredentialEntry; spent: StoredGrant; source: TokenSource }

export class GrantRenewal {
  readonly #deps: RenewalDeps
  /** By name. Nobody else has these: what is stored was spent for them. */
  readonly #unsaved = new Map<string, Unsaved>()

  constructor(deps: RenewalDeps) {
    this.#deps = deps
  }

  /** @param known what is stored, as far as is known: where that is not what was spent, its owner has given another one */
  findUnsaved(name: string, known: StoredCredential | undefined): GrantCredential | undefined {
    const unsaved = this.#unsaved.get(name)
    return unsaved && known && holds(known, unsaved.spent) ? unsaved.credential : undefined
  }

  /**
   * @param claim the entry as it was claimed
   * @returns null: its owner has given another one meanwhile, or has ended it
   * @throws GatewayError as `OAuthClient` does, `credential_unavailable`
   */
  async run(plan: GrantPlan, claim: CredentialEntry, spent: StoredGrant): Promise<GrantCredential | null> {
    const { clock, oauth } = this.#deps
    const source = await plan.source(spent)
    const beginsUntil = (claim.credential.renewingUntil ?? 0) - refreshMsMax - marginMs
    if (clock.now() > beginsUntil) throw credentialUnavailable(plan.serverName, 'timeout')
    const { refreshToken, resource } = spent
    if (refreshToken === null) return null
    const wish = { scopes: null, resource, audience: null, extra: {}, refreshToken }
    const tokens = await oauth.refresh({ ...source, timeoutMs: Math.min(source.timeoutMs, refreshMsMax) }, wish)
    const credential = toRenewed(claim.credential, renewedGrant(spent, tokens), clock.now())
    return this.#save({ credential, claim, spent, source })
  }

  async #save(unsaved: Unsaved): Promise<GrantCredential | null> {
    const { credential } = unsaved
    const name = nameOfCredential(credential.server, credential.owner)
    try {
      return await this.#trySave(name, unsaved)
    } catch {
      this.#unsaved.set(name, unsaved)
      this.#saveLater(name, unsaved, saveMsMin)
      return credential
    }
  }

  #saveLater(name: string, unsaved: Unsaved, delayMs: number): void {
    this.#deps.clock.after(delayMs, () => {
      void this.#trySave(name, unsaved).then(
        () => this.#unsaved.delete(name),
        () => this.#saveLater(name, unsaved, Math.min(saveMsMax, delayMs * 2)),
      )
    })
  }

  /** Over whatever still holds the refresh token that was spent for it: nothing newer than this is to be had. */
  async #trySave(name: string, { credential, claim, spent, source }: Unsaved): Promise<GrantCredential | null> {
    const { secret, stateAt } = credential
    for (let seen: CredentialEntry | null = claim; seen && holds(seen.credential, spent);) {
      const next = toRenewed(seen.credential, secret, stateAt)
      if (await writeCredential(this.#deps, next, seen)) return next
      seen = await this.#deps.book.latest(name)
    }
    this.#giveBack(source, secret)
    return null
  }

  /** Nobody will ever use it. Who cannot be told finds out when it ends. */
  #giveBack(source: TokenSource, { refreshToken }: StoredGrant): void {
    if (refreshToken === null) return
    this.#deps.oauth.revoke(source, { text: refreshToken, hint: 'refresh_token' }).catch(() => undefined)
  }
}

function holds(credential: StoredCredential, { refreshToken, issuer }: StoredGrant): boolean {
  return isGrant(credential) && credential.secret.refreshToken === refreshToken && credential.secret.issuer === issuer
}
