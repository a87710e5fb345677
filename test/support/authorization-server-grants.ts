/** Grants that oidc-provider leaves to its users: token exchange (RFC 8693), and JWT bearer (RFC 7523) for ID-JAG and on-behalf-of. */
import { randomUUID } from 'node:crypto'
import { jwtVerify, SignJWT, type CryptoKey } from 'jose'
import { errors, type Provider, type TokenEndpointGrantContext } from 'oidc-provider'

export const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const assertionGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const assertionType = 'urn:ietf:params:oauth:token-type:id-jag'

export type ExchangeKeys = {
  /** Signs id tokens and assertions. */
  signingKey: CryptoKey
  trusts: { issuer: string; key: CryptoKey } | null
}

type Parameters = {
  subject_token?: string
  requested_token_type?: string
  audience?: string
  assertion?: string
  requested_token_use?: string
}
type Context = TokenEndpointGrantContext<Parameters>

export function addExchangeGrants(provider: Provider, keys: ExchangeKeys): void {
  const exchanged = ['subject_token', 'subject_token_type', 'requested_token_type', 'audience', 'resource', 'scope']
  provider.registerGrantType<Parameters>(exchangeGrant, (ctx) => exchange(provider, keys, ctx), exchanged)
  const asserted = ['assertion', 'requested_token_use', 'audience', 'resource', 'scope']
  provider.registerGrantType<Parameters>(assertionGrant, (ctx) => redeem(provider, keys, ctx), asserted)
}

async function exchange(provider: Provider, { signingKey }: ExchangeKeys, ctx: Context): Promise<void> {
  const { params, client } = ctx.oidc
  const account = await accountOf(provider, params.subject_token)
  if (params.requested_token_type !== assertionType) {
    await issue(provider, ctx, account)
    return
  }
  const assertion = new SignJWT({ client_id: client.clientId, resource: params.resource, scope: params.scope })
    .setProtectedHeader({ alg: 'RS256', typ: 'oauth-id-jag+jwt' })
    .setIssuer(provider.issuer)
    .setAudience(params.audience ?? '')
    .setSubject(account)
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime('5m')
  const access_token = await assertion.sign(signingKey)
  ctx.body = { access_token, token_type: 'N_A', issued_token_type: assertionType, expires_in: 300 }
}

async function redeem(provider: Provider, { trusts }: ExchangeKeys, ctx: Context): Promise<void> {
  const { params } = ctx.oidc
  if (params.requested_token_use === 'on_behalf_of') {
    await issue(provider, ctx, await accountOf(provider, params.assertion))
    return
  }
  if (trusts === null) throw new errors.InvalidGrant('nobody is trusted')
  const claims = { issuer: trusts.issuer, audience: provider.issuer, typ: 'oauth-id-jag+jwt' }
  try {
    const { payload } = await jwtVerify(params.assertion ?? '', trusts.key, claims)
    await issue(provider, ctx, payload.sub ?? '')
  } catch {
    throw new errors.InvalidGrant('the assertion is not good here')
  }
}

/** Of an access token of this server. */
async function accountOf(provider: Provider, token = ''): Promise<string> {
  const found = await provider.AccessToken.find(token)
  if (found === undefined) throw new errors.InvalidGrant('the subject token is not good here')
  return found.accountId
}

async function issue(provider: Provider, ctx: Context, accountId: string): Promise<void> {
  const { params, client } = ctx.oidc
  const grant = new provider.Grant({ accountId, clientId: client.clientId })
  const token = new provider.AccessToken({
    accountId,
    client,
    grantId: await grant.save(),
    gty: 'exchange',
    scope: params.scope ?? '',
    aud: params.audience ?? String(params.resource ?? ''),
  })
  const access_token = await token.save()
  ctx.body = { access_token, token_type: 'Bearer', expires_in: token.expiration, scope: params.scope }
}
