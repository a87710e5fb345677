/** Whatever goes wrong with a credential, and whoever is told of it: no secret is in it. */
import { beforeEach, describe, expect, it } from 'vitest'
import { GatewayError } from '#contract/errors.ts'
import type { ServerCredential } from '#core/credential/lease.ts'
import { ann, CredentialLab, refusal } from '#test/support/credential-lab.ts'
import { failureOf } from '#test/support/failure.ts'

const planted = 'pl4nt3d'
const secret = (what: string): string => `${planted}-${what}`

let lab: CredentialLab

beforeEach(() => {
  lab = new CredentialLab()
})

/** What an authorization server said, as a careless client might hand it on. */
const said = (code: 'oauth_refused' | 'oauth_server_failed' | 'credential_unavailable', reason: string) =>
  new GatewayError(code, { details: { reason, body: secret('body') }, cause: new Error(secret('their words')) })

const grant = () =>
  lab.connect({ accessToken: secret('access'), refreshToken: secret('refresh'), idToken: secret('id') })
const challenge = `Bearer error="insufficient_scope", scope="admin", error_description="${secret('description')}"`

type Case = [what: string, serve: () => ServerCredential]

const account = () =>
  lab.serve({ credential: { kind: 'oauth2_authorization_code', clientId: 'gateway', clientSecret: secret('client') } })
const machine = () =>
  lab.serve({
    credential: {
      kind: 'oauth2_client_credentials',
      tokenUrl: 'https://as.example/token',
      clientId: 'c',
      clientSecret: secret('client'),
      extraParameters: { x: secret('parameter') },
    },
    headers: { 'x-static': secret('static') },
  })
const exchange = () =>
  lab.serve({
    credential: {
      kind: 'oauth2_token_exchange',
      tokenUrl: 'https://apps.example/token',
      clientId: 'c',
      clientSecret: secret('client'),
      subject: { issuer: 'https://as.example', clientId: 'gateway', clientSecret: secret('subject') },
    },
  })
const key = () => lab.serve({ credential: { kind: 'bearer', owner: 'user' } })
const aws = () =>
  lab.serve({
    credential: { kind: 'aws_sigv4', region: 'eu-central-1', accessKeyId: 'A', secretAccessKey: secret('aws') },
  })
const variables = () =>
  lab.serve({
    headers: { 'x-a': '${A}', 'x-b': '${B}' },
    credential: { kind: 'bearer', token: secret('fixed') },
    variables: [{ name: 'A' }, { name: 'B' }],
  })

const cases: Case[] = [
  ['an account', account],
  ['a machine', machine],
  ['an exchange', exchange],
  ['a key', key],
  ['a signature', aws],
  ['variables', variables],
]

/** All that goes wrong, in one order of things after another. */
async function collect(served: ServerCredential): Promise<GatewayError[]> {
  const failures: GatewayError[] = []
  const tried = async (work: () => unknown): Promise<void> => {
    const failure = await failureOf(Promise.resolve().then(work)).catch(() => null)
    if (failure) failures.push(failure)
  }
  const refused = async (more: object): Promise<void> => {
    const lease = await Promise.resolve()
      .then(() => served.lease(ann))
      .catch(() => null)
    if (lease) await tried(() => served.rejected(lease, refusal(lease, more)))
  }
  await tried(() => served.lease(ann))
  lab.give({ variables: { A: secret('variable') } })
  await tried(() => served.lease(ann))
  lab.give({ secret: { kind: 'key', parts: { token: secret('key') } }, variables: { A: secret('a'), B: secret('b') } })
  await refused({ status: 403, challenge })
  await refused({})
  grant()
  await refused({ status: 403, challenge })
  await refused({ isLast: true, challenge })
  grant()
  for (const failure of [said('oauth_refused', 'invalid_client'), said('oauth_server_failed', 'no_metadata')]) {
    lab.oauth.failures.push(failure, failure)
    lab.oauth.issuer.failure = failure
    lab.oauth.lookupFailure = failure
    lab.aws.failure = failure
    await lab.clock.advance(3_600_000)
    await tried(() => served.lease(ann))
    await refused({})
  }
  return failures
}

describe('what is told', () => {
  it.each(cases)('of %s holds no secret and nobody’s words', async (_what, serve) => {
    const failures = await collect(serve())
    expect(failures.length).toBeGreaterThan(1)
    for (const failure of failures) {
      const { message, stack, details, cause } = failure
      expect(JSON.stringify([message, stack, details])).not.toContain(planted)
      expect(cause).toBeUndefined()
    }
    expect(JSON.stringify(lab.events)).not.toContain(planted)
  })
})
