/** How to authenticate to a server, as programs write it. A config never prints what is secret in it. */
import { type CredentialEntry, OAuthUrl } from '#contract/credential.ts'
import { ConfigurationError } from './errors.ts'

export type AuthType = 'none' | 'api_key' | 'bearer_token' | 'basic' | 'oauth2'

type Members = {
  value?: string
  username?: string
  password?: string
  clientId?: string
  clientSecret?: string
  tokenUrl?: string
  scopes?: readonly string[]
  headerName?: string
  headerPrefix?: string
}

export class AuthConfig {
  readonly type: AuthType
  readonly #members: Members

  private constructor(type: AuthType, members: Members) {
    this.type = type
    this.#members = members
  }

  static none(): AuthConfig {
    return new AuthConfig('none', {})
  }

  /** `Authorization: Bearer …` */
  static bearer(token: string): AuthConfig {
    return new AuthConfig('bearer_token', { value: token })
  }

  /** `x-api-key: …`, or the header that `withHeaderName` names. */
  static apiKey(value: string): AuthConfig {
    return new AuthConfig('api_key', { value })
  }

  /** `Authorization: Basic …` (RFC 7617, UTF-8) */
  static basic(username: string, password: string): AuthConfig {
    return new AuthConfig('basic', { username, password })
  }

  /** OAuth 2.0 client credentials (RFC 6749 §4.4). */
  static oauth2(clientId: string, clientSecret: string, tokenUrl: string): AuthConfig {
    return new AuthConfig('oauth2', { clientId, clientSecret, tokenUrl })
  }

  /** For API keys and bearer tokens. */
  withHeaderName(headerName: string): AuthConfig {
    return this.#with({ headerName })
  }

  /** For API keys: a word before the value, as in `Token …`. */
  withHeaderPrefix(headerPrefix: string): AuthConfig {
    return this.#with({ headerPrefix })
  }

  /** For OAuth 2.0. */
  withScopes(scopes: readonly string[]): AuthConfig {
    return this.#with({ scopes })
  }

  /** Every fault, by the member's name; never a value. */
  validate(): string[] {
    const { headerName, headerPrefix, scopes } = this.#members
    const misplaced = [
      headerName !== undefined && this.type !== 'api_key' && this.type !== 'bearer_token' ? ['headerName'] : [],
      headerPrefix !== undefined && this.type !== 'api_key' ? ['headerPrefix'] : [],
      scopes !== undefined && this.type !== 'oauth2' ? ['scopes'] : [],
    ]
    return [
      ...requiredMembers[this.type].flatMap((name) => (isEmpty(this.#members[name]) ? [`${name}: is required`] : [])),
      ...(headerName === '' ? ['headerName: must not be empty'] : []),
      ...misplaced.flat().map((name) => `${name}: does not apply to ${this.type}`),
      ...(this.type === 'oauth2' ? this.#faultsOfTokenUrl() : []),
    ]
  }

  /**
   * As the engine takes it.
   * @throws ConfigurationError that names every fault
   */
  toCredential(): CredentialEntry {
    const errors = this.validate()
    if (errors.length > 0) throw new ConfigurationError({ errors })
    const { value = '', username = '', password = '', headerName, headerPrefix } = this.#members
    if (this.type === 'oauth2') return this.#toClientCredentials()
    if (this.type === 'basic') return { kind: 'basic', username, password }
    if (this.type === 'api_key') {
      const key = headerPrefix === undefined ? value : `${headerPrefix} ${value}`
      return { kind: 'api_key', key, header: headerName ?? 'x-api-key' }
    }
    if (this.type === 'none') return { kind: 'none' }
    return headerName === undefined
      ? { kind: 'bearer', token: value }
      : { kind: 'api_key', key: `Bearer ${value}`, header: headerName }
  }

  /** For logs: the kind alone. */
  toJSON(): { type: AuthType } {
    return { type: this.type }
  }

  #with(members: Members): AuthConfig {
    return new AuthConfig(this.type, { ...this.#members, ...members })
  }

  #toClientCredentials(): CredentialEntry {
    const { tokenUrl = '', clientId = '', clientSecret = '', scopes } = this.#members
    return {
      kind: 'oauth2_client_credentials',
      tokenUrl,
      clientId,
      clientSecret,
      ...(scopes && { scopes: [...scopes] }),
    }
  }

  #faultsOfTokenUrl(): string[] {
    const { tokenUrl = '' } = this.#members
    if (tokenUrl === '' || OAuthUrl.safeParse(tokenUrl).success) return []
    return ['tokenUrl: must be an https address, or an http one of this machine']
  }
}

const requiredMembers: Readonly<Record<AuthType, readonly (keyof Members)[]>> = {
  none: [],
  bearer_token: ['value'],
  api_key: ['value'],
  basic: ['username'],
  oauth2: ['clientId', 'clientSecret', 'tokenUrl'],
}

/** A program without types may give anything. */
function isEmpty(value: unknown): boolean {
  return typeof value !== 'string' || value === ''
}
