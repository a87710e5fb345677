/** Tokens that the gateway gets as itself (RFC 6749 §4.4). Servers with the same credential share one. */
import type { Credential } from '#contract/credential.ts'
import type { Resolved } from '#contract/secret-text.ts'
import type { ServedServer } from '#contract/server.ts'
import type { Cached, CacheAsk } from '#core/credential/credential-cache.ts'
import type { UpstreamRefusal } from '#core/credential/lease.ts'
import type { CredentialOwner } from '#core/credential/stored-credential.ts'
import type { CredentialDeps } from './credential-deps.ts'
import { refusals, type Refusals } from './refusals.ts'
import { bearerIn, toNext, type Presented, type Scheme } from './scheme.ts'

type Definition = Resolved<Extract<Credential, { kind: 'oauth2_client_credentials' }>>
type Deps = Pick<CredentialDeps, 'oauth' | 'sources' | 'tokens' | 'hash' | 'clock' | 'connectUrl'>

export class ClientScheme implements Scheme {
  readonly #definition: Definition
  readonly #serverUrl: string
  readonly #deps: Deps
  readonly #refuse: Refusals
  readonly #ask: CacheAsk<string>

  constructor(definition: Definition, { server, url }: { server: ServedServer; url: string }, deps: Deps) {
    this.#definition = definition
    this.#serverUrl = url
    this.#deps = deps
    this.#refuse = refusals(server, deps)
    const key = deps.hash(JSON.stringify(sourceOf(definition, url)))
    this.#ask = { key, of: '', serverName: server.name, get: () => this.#get() }
  }

  present(): Presented | Promise<Presented> {
    return toNext(this.#deps.tokens.current(this.#ask), (cached) => this.#toPresented(cached))
  }

  async refused(_owner: CredentialOwner, used: Presented | null, refusal: UpstreamRefusal): Promise<Presented> {
    const { status, isLast } = refusal
    if (status === 403) throw this.#refuse.authFailed(status)
    // One that has just been got is kept: others would be refused as well.
    if (isLast) throw this.#refuse.authFailed(status)
    if (used) this.#deps.tokens.drop(this.#ask.key, used.text)
    return this.present()
  }

  #toPresented({ value, goodUntil }: Cached<string>): Presented {
    return { text: value, gift: '', headers: [bearerIn(this.#definition.header, value)], goodUntil }
  }

  async #get(): Promise<{ value: string; expiresAt: number | null }> {
    const { audience = null, extraParameters: extra = {}, tokenTtlMs } = this.#definition
    const { clock, oauth, sources } = this.#deps
    const { source, resource, scopes } = await sources.ofClient(this.#definition, this.#serverUrl)
    const tokens = await oauth.clientCredentials(source, { scopes, resource, audience, extra })
    return { value: tokens.accessToken, expiresAt: tokens.expiresAt ?? clock.now() + tokenTtlMs }
  }
}

/** All that a token depends on. Where nothing says who issues it, the server does. */
function sourceOf({ kind: _kind, header: _header, timeoutMs: _timeoutMs, ...source }: Definition, url: string): object {
  const isFound = source.tokenUrl === undefined && source.issuer === undefined
  return { ...source, ...(isFound && { url }) }
}
