/** Requests that are signed one by one (AWS Signature Version 4). */
import type { Credential } from '#contract/credential.ts'
import type { Resolved } from '#contract/secret-text.ts'
import type { ServedServer } from '#contract/server.ts'
import type { AwsCredentials } from '#core/credential/aws-credentials.ts'
import type { Cached, CacheAsk } from '#core/credential/credential-cache.ts'
import type { UpstreamRefusal } from '#core/credential/lease.ts'
import type { CredentialOwner } from '#core/credential/stored-credential.ts'
import type { CredentialDeps } from './credential-deps.ts'
import { refusals, type Refusals } from './refusals.ts'
import { toNext, type Presented, type Scheme } from './scheme.ts'

type Definition = Resolved<Extract<Credential, { kind: 'aws_sigv4' }>>
type Deps = Pick<CredentialDeps, 'aws' | 'awsKeys' | 'createSigner' | 'hash' | 'connectUrl'>

export class AwsScheme implements Scheme {
  readonly #definition: Definition
  readonly #host: string
  readonly #deps: Deps
  readonly #refuse: Refusals
  readonly #ask: CacheAsk<AwsCredentials>

  /** @param place.host as the Host header has it */
  constructor(definition: Definition, { server, host }: { server: ServedServer; host: string }, deps: Deps) {
    this.#definition = definition
    this.#host = host
    this.#deps = deps
    this.#refuse = refusals(server, deps)
    const get = async () => {
      const value = await deps.aws.get(definition)
      return { value, expiresAt: value.expiresAt }
    }
    const { service: _service, ...source } = definition
    this.#ask = { key: deps.hash(JSON.stringify(source)), of: '', serverName: server.name, get }
  }

  present(): Presented | Promise<Presented> {
    return toNext(this.#deps.awsKeys.current(this.#ask), (cached) => this.#toPresented(cached))
  }

  /** Keys that somebody has written down stay what they are; those that were got may have been withdrawn. */
  async refused(_owner: CredentialOwner, used: Presented | null, refusal: UpstreamRefusal): Promise<Presented> {
    const { accessKeyId, roleArn } = this.#definition
    const isFixed = accessKeyId !== undefined && roleArn === undefined
    if (refusal.isLast || isFixed) throw this.#refuse.authFailed(refusal.status)
    const cached = await this.#deps.awsKeys.current(this.#ask)
    if (used?.text === textOf(cached.value)) this.#deps.awsKeys.drop(this.#ask.key, cached.value)
    return this.present()
  }

  #toPresented({ value: keys, goodUntil }: Cached<AwsCredentials>): Presented {
    const { region, service } = this.#definition
    return {
      text: textOf(keys),
      gift: '',
      headers: [],
      goodUntil,
      sign: (path) => {
        const sign = this.#deps.createSigner({ host: this.#host, path, region, service })
        return (request) => sign(request, keys)
      },
    }
  }
}

function textOf({ accessKeyId, sessionToken }: AwsCredentials): string {
  return `${accessKeyId} ${sessionToken ?? ''}`
}
